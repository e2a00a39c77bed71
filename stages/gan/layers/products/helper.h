/* A second thread that stays, for work of a tenth of a millisecond: starting one takes as long as a
 * fifth of that.
 *
 * Work is cut into shares, and both threads take the next share when they are free. So if the other
 * core is busy with something else and the helper comes late, the caller does all of it. After its
 * work the helper looks for more for a short while, then sleeps. Each share is computed in the same
 * way by whoever takes it.
 */
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined __x86_64__
#define PAUSE() __builtin_ia32_pause()
#elif defined __aarch64__
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() ((void)0)
#endif
#define LOOK 30000 /* nanoseconds that the helper looks for more work, */
#define LOOKS 64   /* so often between two readings of the clock */
#define SHARES 2   /* more would pack more often */

static struct {
  int taken; /* by the caller whose work it helps with */
  int here, core, asleep;
  pid_t id;
  uint32_t call;   /* how many works there were; a futex */
  uint64_t shares; /* the number of the work, and how many of its shares nobody has taken */
  uint32_t undone; /* shares; a futex */
  Work work;
  const Job *job;
  int64_t count, of;
} helper;

#define FUTEX(word, operation, value)                                                              \
  syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0)

static int64_t nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* Takes shares of a work until none is left. What the work is, is read after a share is taken:
 * until that one is done, it stays the same. */
static void take_shares(uint32_t call) {
  uint64_t now = __atomic_load_n(&helper.shares, __ATOMIC_ACQUIRE);
  while (now >> 32 == call && (uint32_t)now > 0) {
    if (!__atomic_compare_exchange_n(&helper.shares, &now, now - 1, 0, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
      continue;
    const int64_t share = (int64_t)(uint32_t)now - 1;
    helper.work(helper.job, helper.count * share / helper.of,
                helper.count * (share + 1) / helper.of);
    if (__atomic_sub_fetch(&helper.undone, 1, __ATOMIC_ACQ_REL) == 0)
      FUTEX(&helper.undone, FUTEX_WAKE, 1);
    now = __atomic_load_n(&helper.shares, __ATOMIC_ACQUIRE);
  }
}

static void *help(void *nothing UNUSED) {
  uint32_t seen = 0;
  __atomic_store_n(&helper.id, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
  for (;;) {
    int64_t until = 0;
    uint32_t call;
    for (int looks = 1; (call = __atomic_load_n(&helper.call, __ATOMIC_ACQUIRE)) == seen; looks++) {
      PAUSE();
      if (looks % LOOKS) continue;
      if (!until) until = nanoseconds() + LOOK;
      if (nanoseconds() < until) continue;
      __atomic_store_n(&helper.asleep, 1, __ATOMIC_SEQ_CST);
      if (__atomic_load_n(&helper.call, __ATOMIC_SEQ_CST) == seen)
        FUTEX(&helper.call, FUTEX_WAIT, seen);
      __atomic_store_n(&helper.asleep, 0, __ATOMIC_RELAXED);
      until = 0;
    }
    seen = call;
    take_shares(call);
  }
  return NULL;
}

/* A new process has no helper, whatever its parent was doing. */
static void forget(void) { memset(&helper, 0, sizeof helper); }

static int start_helper(int core) {
  pthread_attr_t attributes;
  pthread_t thread;
  sigset_t all, before;
  static int registered;
  cpu_set_t only;
  if (!registered && pthread_atfork(NULL, NULL, forget)) return 0;
  registered = 1;
  CPU_ZERO(&only);
  CPU_SET(core, &only);
  if (pthread_attr_init(&attributes)) return 0;
  pthread_attr_setaffinity_np(&attributes, sizeof only, &only);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigfillset(&all); /* signals are for the program's own threads */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int started = pthread_create(&thread, &attributes, help, NULL) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  helper.core = core;
  return started;
}

/* The helper is bound to a core other than this thread's: the scheduler may leave it on the same
 * one for a millisecond. */
static int ready(const cpu_set_t *cores) {
  const int here = sched_getcpu();
  if (!helper.here) return helper.here = start_helper(other_core(cores, 1));
  if (helper.core != here && CPU_ISSET(helper.core, cores)) return 1;
  const pid_t id = __atomic_load_n(&helper.id, __ATOMIC_ACQUIRE);
  const int core = other_core(cores, 1);
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(core, &only);
  if (id && sched_setaffinity(id, sizeof only, &only) == 0) helper.core = core;
  return 1;
}

/* `run` with the helper, if two threads are enough and no other caller has it. */
static int run_helped(Work work, const Job *job, int64_t count, int64_t bytes) {
  cpu_set_t cores;
  const int two = count > 1 && bytes >= LEAST_BYTES &&
                  !sched_getaffinity(0, sizeof cores, &cores) && CPU_COUNT(&cores) == 2;
  if (!two || __atomic_exchange_n(&helper.taken, 1, __ATOMIC_ACQUIRE))
    return run(work, job, count, bytes);
  if (!ready(&cores)) {
    __atomic_store_n(&helper.taken, 0, __ATOMIC_RELEASE);
    return run(work, job, count, bytes);
  }
  const uint32_t call = helper.call + 1, of = (uint32_t)least(count, SHARES);
  helper.work = work;
  helper.job = job;
  helper.count = count;
  helper.of = of;
  __atomic_store_n(&helper.undone, of, __ATOMIC_RELAXED);
  __atomic_store_n(&helper.shares, (uint64_t)call << 32 | of, __ATOMIC_RELEASE);
  __atomic_store_n(&helper.call, call, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&helper.asleep, __ATOMIC_SEQ_CST)) FUTEX(&helper.call, FUTEX_WAKE, 1);
  take_shares(call);
  const int64_t until = nanoseconds() + LOOK;
  uint32_t undone;
  while ((undone = __atomic_load_n(&helper.undone, __ATOMIC_ACQUIRE))) {
    PAUSE();
    if (nanoseconds() > until) FUTEX(&helper.undone, FUTEX_WAIT, undone);
  }
  __atomic_store_n(&helper.taken, 0, __ATOMIC_RELEASE);
  return 0;
}
