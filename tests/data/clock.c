/* A clock that jumps: preloaded, it answers for the system's clock of the day.
 *
 * FAULTS_CLOCK is "set S" (the clock shows S seconds of 1970), "jump S" (every other look shows
 * S seconds more) or "stop" (it always shows the first moment). Clocks that only count on are
 * left alone, as no system lets them jump.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

typedef int (*clock_function)(clockid_t, struct timespec *);

static int real_clock(clockid_t clock, struct timespec *found)
{
    static clock_function original;
    if (!original)
        original = (clock_function)dlsym(RTLD_NEXT, "clock_gettime");
    return original(clock, found);
}

int clock_gettime(clockid_t clock, struct timespec *found)
{
    static time_t first, looks;
    const char *order = getenv("FAULTS_CLOCK");
    int result = real_clock(clock, found);
    if (result || !order || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
        return result;
    if (!first)
        first = found->tv_sec;
    if (!strncmp(order, "set ", 4))
        found->tv_sec += atoll(order + 4) - first;
    else if (!strncmp(order, "jump ", 5))
        found->tv_sec += (looks++ % 2) * atoll(order + 5);
    else if (!strcmp(order, "stop")) {
        found->tv_sec = first;
        found->tv_nsec = 0;
    }
    return 0;
}

time_t time(time_t *target)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (target)
        *target = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *target, void *zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    target->tv_sec = now.tv_sec;
    target->tv_usec = now.tv_nsec / 1000;
    return 0;
}
