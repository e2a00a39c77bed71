/* How MindSpore's threads wait for each other.
 *
 * A waiting thread of MindSpore calls sched_yield over and over. While the cores are ours, that is
 * quick. Beside a busy process, each call gives that process a turn of milliseconds. So this
 * function stands in for sched_yield in MindSpore's libraries. It yields as before, and measures
 * how long each yield took. After two long ones the cores are not ours: for a while it looks again
 * a few times, then sleeps. A thread that begins to wait wakes the others, because it may have done
 * what they wait for. No result depends on when a thread looks.
 *
 * Linux with glibc, on processors of 64 bits.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))

#if !defined __GLIBC__ || !defined __LP64__
#error "it knows the tables of glibc's loader on processors of 64 bits"
#endif
#if defined __x86_64__
#define SLOT R_X86_64_JUMP_SLOT
#define DATA R_X86_64_GLOB_DAT
#define PAUSE() __builtin_ia32_pause()
#elif defined __aarch64__
#define SLOT R_AARCH64_JUMP_SLOT
#define DATA R_AARCH64_GLOB_DAT
#define PAUSE() __asm__ volatile("yield")
#else
#error "it knows the processors x86-64 and aarch64"
#endif

/* All times are in nanoseconds. */
#define MICROSECOND INT64_C(1000)
#define MILLISECOND INT64_C(1000000)
#define LONG_YIELD MILLISECOND          /* somebody else had the core: a turn is 3 or 4 of these */
#define CLOSE (20 * MILLISECOND)        /* two long yields so close together are no accident */
#define LEAST_HOLD (100 * MILLISECOND)  /* so long we sleep; twice as long if it was too short */
#define MOST_HOLD (1600 * MILLISECOND)
#define NEW_WAIT MICROSECOND            /* a thread that did not call for so long has worked, */
#define CLOCK_READINGS 16               /* or for as long as so many readings of the clock */
#define LOOK (20 * MICROSECOND)         /* a waiting thread looks so long before it sleeps, */
#define NAP (200 * MICROSECOND)         /* and then after each nap, or when woken */
#define TURN (100 * MICROSECOND)        /* a shorter turn comes sooner (EEVDF, Linux 6.12) */

static _Atomic int64_t busy_until, last_long, hold = LEAST_HOLD;
static _Atomic uint32_t waits_begun; /* a futex */
static _Atomic int sleepers;
static _Atomic int64_t naps;
static int64_t new_wait = NEW_WAIT, cores = 1; /* of the process, when this was installed */
static __thread int prepared;
static __thread int has_one_core; /* then nothing that it waits for is done while it looks */
static __thread uint64_t usual_turn;
static __thread int64_t began, looked;
static __thread uint32_t seen;

static int64_t read_clock(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * 1000 * MILLISECOND + time.tv_nsec;
}

static int64_t now(void) { return read_clock(CLOCK_MONOTONIC); }

/* The cores that this thread may use. */
static int64_t count_cores(void) {
  cpu_set_t mine;
  return sched_getaffinity(0, sizeof mine, &mine) ? 2 : CPU_COUNT(&mine);
}

/* As the kernel has it; glibc before 2.41 does not declare it. */
struct attributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

static int turn_of(struct attributes *own) {
  memset(own, 0, sizeof *own);
  return !syscall(SYS_sched_getattr, 0, own, sizeof *own, 0) && own->policy == SCHED_OTHER;
}

/* Of this thread: exact timers, short turns. If the system refuses, it waits a little longer. */
static void prepare(void) {
  struct attributes own;
  prepared = 1;
  has_one_core = count_cores() == 1;
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
  if (!turn_of(&own)) return;
  usual_turn = own.runtime;
  own.runtime = TURN;
  syscall(SYS_sched_setattr, 0, &own, 0);
}

/* The cores are ours again: timers and turns as before. */
static void take_back(void) {
  struct attributes own;
  prepared = 0;
  prctl(PR_SET_TIMERSLACK, 0, 0, 0, 0);
  if (!turn_of(&own)) return;
  own.runtime = usual_turn;
  syscall(SYS_sched_setattr, 0, &own, 0);
}

static void cores_are_busy(int64_t time) {
  int64_t ended = busy_until;
  int64_t next = LEAST_HOLD;
  if (time < ended) return; /* another thread has seen it, too */
  if (time - ended < CLOSE) next = 2 * hold < MOST_HOLD ? 2 * hold : MOST_HOLD;
  if (atomic_compare_exchange_strong(&busy_until, &ended, time + next)) hold = next;
}

/* A long yield is a first sign. At the second, the time that our own threads have used says whether
 * they had the core: kernels start threads that may share one with a waiting thread. */
static int yield(int64_t begin) {
  const int is_second = begin - last_long < CLOSE;
  const int64_t used = is_second ? read_clock(CLOCK_PROCESS_CPUTIME_ID) : 0;
  const int result = (int)syscall(SYS_sched_yield);
  const int64_t end = now(), took = end - begin;
  if (took <= LONG_YIELD) return result;
  last_long = end;
  if (!is_second) return result;
  /* Threads of ours may have had all other cores all the time, and not half of one more. */
  if (read_clock(CLOCK_PROCESS_CPUTIME_ID) - used < took * (2 * cores - 1) / 2) cores_are_busy(end);
  return result;
}

static void nap(void) {
  const struct timespec most = {0, NAP};
  sleepers++;
  /* It returns at once if another thread has begun to wait since this one last looked. */
  const int missed = syscall(SYS_futex, &waits_begun, FUTEX_WAIT_PRIVATE, seen, &most, NULL, 0) &&
                     errno == EAGAIN;
  sleepers--;
  if (missed && has_one_core) syscall(SYS_sched_yield);
  naps++;
}

/* In place of sched_yield. The caller looks whether to wait on, and calls again. */
int waiting_yield(void) {
  const int64_t time = now();
  if (time >= busy_until) {
    if (prepared) take_back();
    return yield(time);
  }
  if (!prepared) prepare();
  if (time - looked > new_wait) {
    began = time;
    waits_begun++;
    if (sleepers) syscall(SYS_futex, &waits_begun, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
  }
  if (time - began < LOOK && !has_one_core)
    PAUSE();
  else
    nap();
  seen = waits_begun;
  looked = now();
  return 0;
}

/* For tests: the cores are busy for so long from now on, or free. */
void waiting_pretend(int64_t nanoseconds) { busy_until = now() + nanoseconds; }

/* How often a thread has slept. */
int64_t waiting_naps(void) { return naps; }

/* What a library takes from others, by the loader's tables. */
struct library {
  uintptr_t base, locked, unlocked; /* the loader has made what lies between these read-only */
  const ElfW(Sym) *symbols;
  const char *names;
  const ElfW(Rela) *tables[2];
  size_t bytes[2];
};

static struct library read_tables(const struct dl_phdr_info *info, uintptr_t page) {
  struct library it = {.base = info->dlpi_addr};
  const ElfW(Dyn) *entry = NULL;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    const uintptr_t start = it.base + part->p_vaddr;
    if (part->p_type == PT_DYNAMIC) entry = (const void *)start;
    if (part->p_type == PT_GNU_RELRO) {
      it.locked = start & ~(page - 1);
      it.unlocked = (start + part->p_memsz) & ~(page - 1);
    }
  }
  for (; entry && entry->d_tag != DT_NULL; entry++) {
    const void *address = (const void *)entry->d_un.d_ptr;
    if (entry->d_tag == DT_SYMTAB) it.symbols = address;
    if (entry->d_tag == DT_STRTAB) it.names = address;
    if (entry->d_tag == DT_JMPREL) it.tables[0] = address;
    if (entry->d_tag == DT_PLTRELSZ) it.bytes[0] = entry->d_un.d_val;
    if (entry->d_tag == DT_RELA) it.tables[1] = address;
    if (entry->d_tag == DT_RELASZ) it.bytes[1] = entry->d_un.d_val;
  }
  return it;
}

static int replace(const struct library *it, uintptr_t place, uintptr_t page) {
  void *start = (void *)(place & ~(page - 1));
  const int is_locked = place >= it->locked && place < it->unlocked;
  if (*(uintptr_t *)place == (uintptr_t)waiting_yield) return 1;
  if (is_locked && mprotect(start, page, PROT_READ | PROT_WRITE)) return 0;
  *(uintptr_t *)place = (uintptr_t)waiting_yield;
  if (is_locked) mprotect(start, page, PROT_READ);
  return 1;
}

struct visit {
  const char *folder;
  int found;
};

static int lies_in(const char *path, const char *folder) {
  char *real = path ? realpath(path, NULL) : NULL;
  const int does = real && !strncmp(real, folder, strlen(folder));
  free(real);
  return does;
}

static int visit(struct dl_phdr_info *info, size_t size UNUSED, void *task) {
  struct visit *our = task;
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  if (!lies_in(info->dlpi_name, our->folder)) return 0;
  const struct library it = read_tables(info, page);
  for (int t = 0; it.symbols && it.names && t < 2; t++)
    for (size_t i = 0; it.tables[t] && i < it.bytes[t] / sizeof(ElfW(Rela)); i++) {
      const ElfW(Rela) *one = &it.tables[t][i];
      const uint64_t kind = ELF64_R_TYPE(one->r_info);
      if (kind != SLOT && kind != DATA) continue;
      if (strcmp(it.names + it.symbols[ELF64_R_SYM(one->r_info)].st_name, "sched_yield")) continue;
      our->found += replace(&it, it.base + one->r_offset, page);
    }
  return 0;
}

/* Where reading the clock is slow, a thread that looks again and again is not a new wait. */
static void measure_clock(void) {
  const int64_t begin = now();
  for (int i = 1; i < CLOCK_READINGS; i++) now();
  const int64_t took = now() - begin;
  new_wait = took > NEW_WAIT ? took : NEW_WAIT;
}

/* Puts it into the loaded libraries of a folder (a real path, with the last slash); returns into
 * how many places. */
int waiting_install(const char *folder) {
  struct visit our = {.folder = folder, .found = 0};
  cores = count_cores();
  measure_clock();
  dl_iterate_phdr(visit, &our);
  return our.found;
}
