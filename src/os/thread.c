/* Threads and futexes.  The end of a thread is announced through a futex word rather than by a timed join,
 * since that counts on the monotonic clock; the record with the word belongs to both sides, so that an
 * abandoned thread may still end.
 *
 * SPDX-License-Identifier: MIT */
#include "thread.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/refcount.h"
#include "clock.h"
#include "crash.h"

#define BACKGROUND_NICE 10
#define NAME_BYTES 16 /* the kernel's limit, with NUL */

struct psv_thread_record {
    struct psv_refcount refs; /* one of the starter, one of the thread */
    _Atomic uint32_t is_ended;
    psv_thread_fn *function;
    void *argument;
    char name[NAME_BYTES];
};

static void unref_record(struct psv_thread_record *record)
{
    if (psv_refcount_unref(&record->refs))
        psv_free(record);
}

static void *run_thread(void *context)
{
    struct psv_thread_record *record = context;
    (void)pthread_setname_np(pthread_self(), record->name); /* a thread without a name works as well */
    psv_crash_thread_start();
    record->function(record->argument);
    psv_crash_thread_stop();
    /* release pairs with the acquire in join: all that the thread did */
    atomic_store_explicit(&record->is_ended, 1, memory_order_release);
    psv_futex_wake(&record->is_ended, UINT32_MAX);
    unref_record(record);
    return NULL;
}

static size_t stack_size(size_t wanted)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    long minimum = sysconf(_SC_THREAD_STACK_MIN);
    if (minimum > 0)
        wanted = MAX(wanted, (size_t)minimum);
    return wanted > SIZE_MAX - page ? wanted : (wanted + page - 1) / page * page;
}

static void fill_thread_signals(sigset_t *set)
{
    static const int own_faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    sigfillset(set);
    for (size_t i = 0; i < ARRAY_SIZE(own_faults); i++)
        sigdelset(set, own_faults[i]);
}

static int create(struct psv_thread *thread, struct psv_thread_record *record, size_t stack_bytes)
{
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error != 0)
        return error;
    if (stack_bytes > 0)
        error = pthread_attr_setstacksize(&attributes, stack_size(stack_bytes));
    if (error == 0) {
        /* The new thread inherits the mask: there is no moment in which a signal could reach it. */
        sigset_t blocked;
        sigset_t before;
        fill_thread_signals(&blocked);
        INVARIANT(pthread_sigmask(SIG_SETMASK, &blocked, &before) == 0);
        error = pthread_create(&thread->handle, &attributes, run_thread, record);
        INVARIANT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    }
    (void)pthread_attr_destroy(&attributes);
    return error;
}

int psv_thread_start(struct psv_thread *thread, const struct psv_thread_options *options,
                     struct psv_error *reterr)
{
    thread->record = NULL;
    struct psv_thread_record *record = psv_calloc(1, sizeof(*record));
    if (record == NULL)
        return psv_error_set(reterr, PSV_ENOMEM, "cannot start thread %s: out of memory", options->name);
    psv_refcount_init(&record->refs);
    psv_refcount_ref(&record->refs);
    record->function = options->function;
    record->argument = options->argument;
    size_t name_len = strnlen(options->name, NAME_BYTES - 1);
    memcpy(record->name, options->name, name_len);

    int errno_value = create(thread, record, options->stack_bytes);
    if (errno_value != 0) {
        psv_free(record);
        int code = errno_value == EAGAIN ? PSV_ELIMIT : psv_error_of_errno(errno_value);
        return psv_error_set_errno(reterr, code, errno_value, "cannot start thread %s", options->name);
    }
    thread->record = record;
    return 0;
}

int psv_thread_join(struct psv_thread *thread, uint64_t deadline_ns)
{
    struct psv_thread_record *record = thread->record;
    if (record == NULL)
        return 0;
    /* acquire pairs with the release at the thread's end */
    while (atomic_load_explicit(&record->is_ended, memory_order_acquire) == 0) {
        if (psv_futex_wait(&record->is_ended, 0, deadline_ns) == PSV_ETIMEOUT &&
            atomic_load_explicit(&record->is_ended, memory_order_acquire) == 0)
            return PSV_ETIMEOUT;
    }
    /* only the thread's own tear-down is left */
    INVARIANT(pthread_join(thread->handle, NULL) == 0);
    thread->record = NULL;
    unref_record(record);
    return 0;
}

void psv_thread_abandon(struct psv_thread *thread)
{
    if (thread->record == NULL)
        return;
    INVARIANT(pthread_detach(thread->handle) == 0);
    unref_record(TAKE(&thread->record));
}

uint32_t psv_thread_id(void)
{
    static _Thread_local uint32_t id;
    if (UNLIKELY(id == 0))
        id = (uint32_t)gettid();
    return id;
}

void psv_thread_yield_to_others(void)
{
    (void)setpriority(PRIO_PROCESS, psv_thread_id(), BACKGROUND_NICE); /* Linux: of the thread alone */
}

uint64_t psv_thread_waits(void)
{
    struct rusage usage;

    INVARIANT(getrusage(RUSAGE_THREAD, &usage) == 0);
    return (uint64_t)usage.ru_nvcsw;
}

static long futex(_Atomic uint32_t *word, int operation, uint32_t value, const struct timespec *deadline)
{
    return syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, deadline, NULL,
                   FUTEX_BITSET_MATCH_ANY);
}

int psv_futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t deadline_ns)
{
    struct timespec deadline = {
        .tv_sec = (time_t)(deadline_ns / PSV_NS_PER_S),
        .tv_nsec = (long)(deadline_ns % PSV_NS_PER_S),
    };
    /* the bitset variant takes an absolute time of the monotonic clock */
    if (futex(word, FUTEX_WAIT_BITSET, expected, deadline_ns != 0 ? &deadline : NULL) == 0)
        return 0;
    if (errno == ETIMEDOUT)
        return PSV_ETIMEOUT;
    INVARIANT(errno == EAGAIN || errno == EINTR);
    return 0;
}

void psv_futex_wake(_Atomic uint32_t *word, uint32_t count)
{
    /* the kernel takes a signed count */
    INVARIANT(futex(word, FUTEX_WAKE, MIN(count, (uint32_t)INT32_MAX), NULL) >= 0);
}
