/* System calls that PHP need not make; see php_quiet_calls.h.  [any]
 *
 * The time limit.  A request sets the timer to N seconds and to 0 at its end.  The timer counts processor
 * time of the thread, which is never more than the time of day that has passed.  So one that was set to the
 * same N a moment ago is left as it is: it will fire too early, by at most that moment, and is then set to
 * the rest. One that fires while no limit is set means nothing.
 *
 * The sanitizers have functions of their own in these places: nothing is replaced with them.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_quiet_calls.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/text_parse.h"
#include "os/clock.h"

#if HAS_ADDRESS_SANITIZER || HAS_THREAD_SANITIZER
void psv_php_quiet_calls_process_start(void) {}
void psv_php_quiet_calls_on_started(void) {}
void psv_php_quiet_calls_set_timer(timer_t timer)
{
    (void)timer;
}
void psv_php_quiet_calls_forget_timer(void) {}
#else

#define VISIBLE __attribute__((visibility("default")))
/* So much later than PHP wants may a script be stopped. */
#define SLACK_NS (100 * PSV_NS_PER_MS)
#define LIMIT_SIGNAL SIGRTMIN
#define OPCACHE_LOCK_NAME "/memfd:opcache_lock"

VISIBLE int timer_settime(timer_t timer, int flags, const struct itimerspec *new_value,
                          struct itimerspec *old_value);
VISIBLE int sigaction(int number, const struct sigaction *action, struct sigaction *old_action);
VISIBLE int sigprocmask(int how, const sigset_t *set, sigset_t *old_set);
VISIBLE int fcntl(int fd, int command, ...);
VISIBLE pid_t getpid(void);

/* A page that the kernel clears in a forked process. */
static struct {
    pid_t pid; /* 0 = ask the kernel, and replace nothing */
} * of_process;

typedef int settime_fn(timer_t, int, const struct itimerspec *, struct itimerspec *);
typedef int sigaction_fn(int, const struct sigaction *, struct sigaction *);
typedef int sigprocmask_fn(int, const sigset_t *, sigset_t *);
typedef int fcntl_fn(int, int, ...);

static struct {
    settime_fn *settime;
    sigaction_fn *sigaction;
    sigprocmask_fn *sigprocmask;
    fcntl_fn *fcntl;
} real;

static int opcache_lock = -1;
/* What PHP has installed for the limit's signal. */
static _Atomic(void (*)(int, siginfo_t *, void *)) limit_handler;

/* Touched by the thread and by a signal handler on it. */
static _Thread_local struct {
    bool is_known;
    bool is_unblocked; /* LIMIT_SIGNAL */
    timer_t timer;
    volatile uint64_t limit_ns; /* what PHP has set; 0 = none */
    volatile uint64_t armed_ns; /* what the kernel's timer was set to; 0 = it has fired */
    volatile uint64_t armed_at_ns;
    volatile uint64_t wanted_at_ns; /* when PHP has set it last */
} limit;

static bool is_on(void)
{
    return of_process != NULL && of_process->pid != 0;
}

/* The C library's own, also before psv_php_quiet_calls_process_start. */
static void find_real(void)
{
    real.settime = (settime_fn *)dlsym(RTLD_NEXT, "timer_settime");
    real.sigaction = (sigaction_fn *)dlsym(RTLD_NEXT, "sigaction");
    real.sigprocmask = (sigprocmask_fn *)dlsym(RTLD_NEXT, "sigprocmask");
    real.fcntl = (fcntl_fn *)dlsym(RTLD_NEXT, "fcntl");
}

#define REAL(field) (UNLIKELY(real.field == NULL) ? (find_real(), real.field) : real.field)

/* PHP loads extensions so that they find the C library's functions before the program's (RTLD_DEEPBIND); an
 * extension that is there already stays as it was loaded. */
static void load_opcache(void)
{
#if !PSV_PHP_HAS_STATIC_OPCACHE
    (void)dlopen(PHP_EXTENSION_DIR "/opcache.so", RTLD_LAZY | RTLD_GLOBAL);
#endif
}

void psv_php_quiet_calls_process_start(void)
{
    void *page =
        mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    find_real();
    load_opcache();
    if (page == MAP_FAILED)
        return;
    if (madvise(page, (size_t)sysconf(_SC_PAGESIZE), MADV_WIPEONFORK) != 0) {
        (void)munmap(page, (size_t)sysconf(_SC_PAGESIZE));
        return;
    }
    of_process = page;
    of_process->pid = (pid_t)syscall(SYS_getpid);
}

pid_t getpid(void)
{
    return is_on() ? of_process->pid : (pid_t)syscall(SYS_getpid);
}

/* ---- the time limit */

static int arm(uint64_t ns)
{
    const struct itimerspec value = {
        .it_value = {.tv_sec = (time_t)(ns / PSV_NS_PER_S), .tv_nsec = (long)(ns % PSV_NS_PER_S)}};
    limit.armed_ns = ns;
    return real.settime(limit.timer, 0, &value, NULL);
}

int timer_settime(timer_t timer, int flags, const struct itimerspec *new_value, struct itimerspec *old_value)
{
    if (!limit.is_known || timer != limit.timer || flags != 0 || old_value != NULL || !is_on())
        return REAL(settime)(timer, flags, new_value, old_value);
    uint64_t ns = (uint64_t)new_value->it_value.tv_sec * PSV_NS_PER_S + (uint64_t)new_value->it_value.tv_nsec;
    limit.limit_ns = 0; /* from here to the end the handler does nothing */
    if (ns == 0)
        return 0;
    uint64_t now_ns = psv_clock_monotonic_ns();
    int rc = 0;
    if (limit.armed_ns != ns || now_ns - limit.armed_at_ns > SLACK_NS) {
        rc = arm(ns);
        limit.armed_at_ns = now_ns;
    }
    limit.wanted_at_ns = now_ns;
    limit.limit_ns = ns;
    if (limit.armed_ns == 0) { /* it has fired meanwhile, when it meant nothing */
        rc = arm(ns);
        limit.armed_at_ns = now_ns;
    }
    return rc;
}

static void on_limit(int number, siginfo_t *info, void *context)
{
    void (*handler)(int, siginfo_t *, void *) = atomic_load_explicit(&limit_handler, memory_order_relaxed);
    if (limit.is_known && is_on()) {
        uint64_t missing_ns = limit.wanted_at_ns - limit.armed_at_ns;
        limit.armed_ns = 0;
        if (limit.limit_ns == 0)
            return;
        if (missing_ns > 0) {
            limit.armed_at_ns = limit.wanted_at_ns;
            (void)arm(missing_ns);
            return;
        }
    }
    handler(number, info, context);
}

int sigaction(int number, const struct sigaction *action, struct sigaction *old_action)
{
    sigaction_fn *next = REAL(sigaction);
    if (number != LIMIT_SIGNAL || action == NULL || (action->sa_flags & SA_SIGINFO) == 0 || !is_on())
        return next(number, action, old_action);
    /* relaxed: all threads install the same */
    if (atomic_load_explicit(&limit_handler, memory_order_relaxed) == action->sa_sigaction &&
        old_action == NULL)
        return 0;
    struct sigaction ours = *action;
    atomic_store_explicit(&limit_handler, action->sa_sigaction, memory_order_relaxed);
    ours.sa_sigaction = on_limit;
    return next(number, &ours, old_action);
}

int sigprocmask(int how, const sigset_t *set, sigset_t *old_set)
{
    sigset_t only;
    sigprocmask_fn *next = REAL(sigprocmask);
    if (set == NULL || !is_on() || !limit.is_known)
        return next(how, set, old_set);
    (void)sigemptyset(&only);
    (void)sigaddset(&only, LIMIT_SIGNAL);
    /* the kernel's part of a set is one bit for each of its signals */
    bool is_limit = how == SIG_UNBLOCK && old_set == NULL && memcmp(set, &only, _NSIG / 8) == 0;
    if (is_limit && limit.is_unblocked)
        return 0;
    limit.is_unblocked = is_limit;
    return next(how, set, old_set);
}

void psv_php_quiet_calls_set_timer(timer_t timer)
{
    memset(&limit, 0, sizeof(limit));
    limit.timer = timer;
    limit.is_known = true;
}

void psv_php_quiet_calls_forget_timer(void)
{
    limit.is_known = false;
}

/* ---- opcache's lock */

void psv_php_quiet_calls_on_started(void)
{
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char target[64] = "";
        uint64_t fd;
        if (psv_parse_u64(psv_bytes_of(entry->d_name), &fd) == 0 &&
            readlinkat(dirfd(folder), entry->d_name, target, sizeof(target) - 1) > 0 &&
            strncmp(target, OPCACHE_LOCK_NAME, sizeof(OPCACHE_LOCK_NAME) - 1) == 0)
            opcache_lock = (int)fd;
    }
    if (folder != NULL)
        (void)closedir(folder);
}

/* The range that stands for "this process uses the cache", and all ranges together, which frees it
 * (accel_activate_add and accel_unlock_all of ext/opcache/ZendAccelerator.c). */
static bool is_use_of_cache(const struct flock *lock)
{
    return (lock->l_start == 1 && lock->l_len == 1) ||
           (lock->l_start == 0 && lock->l_len == 0 && lock->l_type == F_UNLCK);
}

int fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (fd == opcache_lock && command == F_SETLK && is_on() && is_use_of_cache(argument))
        return 0;
    return REAL(fcntl)(fd, command, argument);
}
#endif
