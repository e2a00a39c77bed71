/* Shared by all kernels: the signature of MindSpore's custom operators, and threads.
 *
 * All arrays are float32 and contiguous. One thread computes each number of a result, in a fixed
 * order, so the bits do not depend on the number of threads. If MindSpore has an equal operator,
 * order and bits are the same as its own. (Build with -ffp-contract=off.)
 *
 * Threads are started for each call, about 20 us, because waiting threads would take cores from
 * MindSpore's threads.
 */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* An operator: MindSpore gives its inputs, then its outputs. It returns 0 unless it failed. */
#define UNUSED __attribute__((unused))
#define KERNEL(name)                                                                               \
  int name(int count UNUSED, void **data, int *ndims UNUSED, int64_t **shapes,                     \
           const char **dtypes UNUSED, void *stream UNUSED, void *extra UNUSED)

#define MOST_THREADS 64
#define LEAST_BYTES (1 << 20) /* below it, a second thread costs more than it saves */
/* So many numbers are processed at a time, to stay in the nearest cache. */
#define RUN 256

typedef struct Job Job; /* what each file defines for itself */
typedef void (*Work)(const Job *, int64_t first, int64_t end);

typedef struct {
  Work work;
  const Job *job;
  int64_t first, end;
} Share;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t pieces(int64_t count, int64_t size) { return (count + size - 1) / size; }

static void *run_share(void *pointer) {
  const Share *share = pointer;
  share->work(share->job, share->first, share->end);
  return NULL;
}

/* The t-th core that the process may use, counted from 1, without this thread's own core. A new
 * thread is bound to a core: otherwise it may stay on its parent's core for a millisecond. */
static int other_core(const cpu_set_t *cores, int64_t t) {
  const int here = sched_getcpu();
  for (int core = 0; core < CPU_SETSIZE; core++)
    if (core != here && CPU_ISSET(core, cores) && --t == 0) return core;
  return -1;
}

static int start(pthread_t *id, Share *share, int core) {
  pthread_attr_t attributes;
  cpu_set_t only;
  if (pthread_attr_init(&attributes)) return 0;
  CPU_ZERO(&only);
  if (core >= 0) {
    CPU_SET(core, &only);
    pthread_attr_setaffinity_np(&attributes, sizeof only, &only);
  }
  int started = pthread_create(id, &attributes, run_share, share) == 0;
  pthread_attr_destroy(&attributes);
  return started;
}

/* Does `count` independent pieces of work on all cores that the process may use. */
static int run(Work work, const Job *job, int64_t count, int64_t bytes) {
  cpu_set_t cores;
  int64_t threads = sched_getaffinity(0, sizeof cores, &cores) ? 1 : CPU_COUNT(&cores);
  pthread_t ids[MOST_THREADS];
  Share shares[MOST_THREADS];
  int started[MOST_THREADS] = {0};
  if (threads > MOST_THREADS) threads = MOST_THREADS;
  if (threads > bytes / LEAST_BYTES + 1) threads = bytes / LEAST_BYTES + 1;
  if (threads > count) threads = count;
  for (int64_t t = 1; t < threads; t++) {
    shares[t] = (Share){work, job, count * t / threads, count * (t + 1) / threads};
    started[t] = start(&ids[t], &shares[t], other_core(&cores, t));
    if (!started[t]) run_share(&shares[t]);
  }
  work(job, 0, threads ? count / threads : 0);
  for (int64_t t = 1; t < threads; t++)
    if (started[t]) pthread_join(ids[t], NULL);
  return 0;
}
