/* Threads: name, stack, signal mask, join with deadline, abandoning; and the futex.
 *
 * SPDX-License-Identifier: MIT */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "table.h"

#include "base/error.h"
#include "fail_alloc.h"
#include "os/clock.h"
#include "os/thread.h"

struct facts {
    char name[32];
    size_t stack_bytes;
    sigset_t mask;
    uint32_t id;
    long kernel_id;
};

static void collect(void *argument)
{
    struct facts *facts = argument;
    pthread_attr_t attributes;
    pthread_getname_np(pthread_self(), facts->name, sizeof(facts->name));
    pthread_sigmask(SIG_BLOCK, NULL, &facts->mask);
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstacksize(&attributes, &facts->stack_bytes);
        pthread_attr_destroy(&attributes);
    }
    facts->id = psv_thread_id();
    facts->kernel_id = syscall(SYS_gettid);
}

static void test_start(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        const char *thread_name;
        const char *seen_name;
        size_t stack_bytes;
        size_t least_stack;
    } cases[] = {
        {ROW("ordinary"), "worker-0", "worker-0", (size_t)1 << 20, (size_t)1 << 20},
        {ROW("longest name"), "123456789012345", "123456789012345", 0, 16384},
        {ROW("name too long"), "1234567890123456", "123456789012345", 0, 16384},
        {ROW("odd stack size"), "odd", "odd", 262145, 262145},
        {ROW("tiny stack"), "tiny", "tiny", 1, 16384},
    };
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_thread thread;
        struct facts facts = {.id = 0};
        struct psv_thread_options options = {.name = row->thread_name,
                                             .stack_bytes = row->stack_bytes,
                                             .function = collect,
                                             .argument = &facts};
        sigset_t mine_before, mine_after;
        pthread_sigmask(SIG_BLOCK, NULL, &mine_before);
        assert_int_equal(psv_thread_start(&thread, &options, NULL), 0);
        pthread_sigmask(SIG_BLOCK, NULL, &mine_after);
        assert_int_equal(psv_thread_join(&thread, 0), 0);
        assert_int_equal(psv_thread_join(&thread, 0), 0); /* already joined */
        for (int number = 1; number < NSIG; number++)
            assert_int_equal(sigismember(&mine_before, number), sigismember(&mine_after, number));

        assert_string_equal(facts.name, row->seen_name);
        assert_true(facts.stack_bytes >= row->least_stack);
        assert_int_equal(facts.id, facts.kernel_id);
        static const int blocked[] = {SIGTERM, SIGINT,  SIGHUP,  SIGUSR1, SIGUSR2,
                                      SIGALRM, SIGPROF, SIGCHLD, SIGPIPE};
        for (size_t i = 0; i < ARRAY_SIZE(blocked); i++)
            assert_int_equal(sigismember(&facts.mask, blocked[i]), 1);
        static const int open[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
        for (size_t i = 0; i < ARRAY_SIZE(open); i++)
            assert_int_equal(sigismember(&facts.mask, open[i]), 0);
    }
    assert_int_equal(psv_thread_id(), syscall(SYS_gettid));
}

static void wait_for_gate(void *argument)
{
    _Atomic uint32_t *gate = argument;
    while (atomic_load_explicit(gate, memory_order_acquire) == 0)
        psv_futex_wait(gate, 0, 0);
}

static void open_gate(_Atomic uint32_t *gate)
{
    atomic_store_explicit(gate, 1, memory_order_release);
    psv_futex_wake(gate, UINT32_MAX);
}

static void test_join_with_deadline(void **state)
{
    (void)state;
    _Atomic uint32_t gate = 0;
    struct psv_thread thread;
    struct psv_thread_options options = {.name = "gate", .function = wait_for_gate, .argument = &gate};
    assert_int_equal(psv_thread_start(&thread, &options, NULL), 0);
    assert_int_equal(psv_thread_join(&thread, 1), PSV_ETIMEOUT); /* long past */
    uint64_t deadline = psv_clock_monotonic_ns() + 5 * PSV_NS_PER_MS;
    assert_int_equal(psv_thread_join(&thread, deadline), PSV_ETIMEOUT);
    assert_true(psv_clock_monotonic_ns() >= deadline);
    open_gate(&gate);
    assert_int_equal(psv_thread_join(&thread, psv_clock_monotonic_ns() + 60 * PSV_NS_PER_S), 0);
    psv_thread_abandon(&thread); /* nothing left to abandon */
}

struct abandoned {
    _Atomic uint32_t gate;
    _Atomic uint32_t is_done;
};

static void finish_alone(void *argument)
{
    struct abandoned *self = argument;
    wait_for_gate(&self->gate);
    open_gate(&self->is_done);
}

static void test_abandon(void **state)
{
    (void)state;
    static struct abandoned shared; /* outlives the test: nobody joins */
    struct psv_thread thread;
    struct psv_thread_options options = {.name = "alone", .function = finish_alone, .argument = &shared};
    assert_int_equal(psv_thread_start(&thread, &options, NULL), 0);
    assert_int_equal(psv_thread_join(&thread, 1), PSV_ETIMEOUT);
    psv_thread_abandon(&thread);
    assert_null(thread.record);
    assert_int_equal(psv_thread_join(&thread, 0), 0);
    open_gate(&shared.gate);
    wait_for_gate(&shared.is_done);
}

static int start_and_join(void *context)
{
    struct psv_thread thread;
    struct psv_error error = {0};
    struct psv_thread_options options = {.name = "oom", .function = collect, .argument = context};
    int result = psv_thread_start(&thread, &options, &error);
    if (result == 0)
        return psv_thread_join(&thread, 0);
    assert_null(thread.record);
    assert_string_equal(error.message, "cannot start thread oom: out of memory");
    return result;
}

static void test_start_failures(void **state)
{
    (void)state;
    struct facts facts;
    assert_int_equal(fail_each_allocation(start_and_join, &facts), 1);

    struct psv_thread thread;
    struct psv_error error = {0};
    struct psv_thread_options options = {
        .name = "giant", .stack_bytes = (size_t)1 << 62, .function = collect, .argument = &facts};
    int result = psv_thread_start(&thread, &options, &error);
    assert_true(result == PSV_ELIMIT ||
                result == PSV_ENOMEM); /* the C library says EAGAIN for no memory too */
    assert_null(thread.record);
    assert_ptr_equal(strstr(error.message, "cannot start thread giant: "), error.message);
    options.stack_bytes = SIZE_MAX;
    assert_int_not_equal(psv_thread_start(&thread, &options, NULL), 0);
}

static void test_futex(void **state)
{
    (void)state;
    _Atomic uint32_t word = 7;
    assert_int_equal(psv_futex_wait(&word, 8, 0), 0); /* differs: returns at once */
    assert_int_equal(psv_futex_wait(&word, 7, 1), PSV_ETIMEOUT);
    uint64_t deadline = psv_clock_monotonic_ns() + 3 * PSV_NS_PER_MS;
    while (psv_futex_wait(&word, 7, deadline) != PSV_ETIMEOUT)
        continue;
    assert_true(psv_clock_monotonic_ns() >= deadline);
    psv_futex_wake(&word, 1); /* nobody sleeps */
    psv_futex_wake(&word, UINT32_MAX);
}

static void on_signal(int number)
{
    (void)number;
}

struct interrupted {
    _Atomic uint32_t word;
    _Atomic uint32_t id;
    _Atomic uint32_t returns;
};

static void wait_once_interruptible(void *argument)
{
    struct interrupted *self = argument;
    sigset_t open;
    sigemptyset(&open);
    sigaddset(&open, SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &open, NULL);
    atomic_store(&self->id, psv_thread_id());
    int result = psv_futex_wait(&self->word, 0, 0);
    atomic_store(&self->returns, result == 0 ? 1 : 2);
}

/* A signal handler ends the wait like a wake-up: the caller looks at its word again. */
static void test_futex_is_interruptible(void **state)
{
    (void)state;
    struct interrupted shared = {.word = 0};
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction before;
    sigaction(SIGUSR1, &action, &before);
    struct psv_thread thread;
    struct psv_thread_options options = {
        .name = "signalled", .function = wait_once_interruptible, .argument = &shared};
    assert_int_equal(psv_thread_start(&thread, &options, NULL), 0);
    while (atomic_load(&shared.returns) == 0) {
        if (atomic_load(&shared.id) != 0) /* again and again: the first may come before the wait */
            syscall(SYS_tgkill, getpid(), atomic_load(&shared.id), SIGUSR1);
        sched_yield();
    }
    assert_int_equal(psv_thread_join(&thread, 0), 0);
    assert_int_equal(atomic_load(&shared.returns), 1);
    sigaction(SIGUSR1, &before, NULL);
}

#define SLEEPERS 3

struct sleepers {
    _Atomic uint32_t word;
    _Atomic uint32_t awake;
};

static void sleep_on_word(void *argument)
{
    struct sleepers *shared = argument;
    wait_for_gate(&shared->word);
    atomic_fetch_add(&shared->awake, 1);
}

static void test_futex_wakes_all(void **state)
{
    (void)state;
    struct sleepers shared = {.word = 0};
    struct psv_thread threads[SLEEPERS];
    for (int i = 0; i < SLEEPERS; i++) {
        struct psv_thread_options options = {
            .name = "sleeper", .function = sleep_on_word, .argument = &shared};
        assert_int_equal(psv_thread_start(&threads[i], &options, NULL), 0);
    }
    open_gate(&shared.word);
    for (int i = 0; i < SLEEPERS; i++)
        assert_int_equal(psv_thread_join(&threads[i], psv_clock_monotonic_ns() + 60 * PSV_NS_PER_S), 0);
    assert_int_equal(atomic_load(&shared.awake), SLEEPERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),           cmocka_unit_test(test_join_with_deadline),
        cmocka_unit_test(test_abandon),         cmocka_unit_test(test_start_failures),
        cmocka_unit_test(test_futex),           cmocka_unit_test(test_futex_is_interruptible),
        cmocka_unit_test(test_futex_wakes_all),
    };
    return cmocka_run_group_tests_name("os/thread", tests, NULL, NULL);
}
