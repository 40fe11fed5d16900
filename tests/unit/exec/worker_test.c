/* The worker pool with an executor of the test's own: start and stop, interrupts, replacement, cancelled
 * jobs.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/worker.h"

#include <pthread.h>

#include "worker_fixture.h"

#include "base/memory.h"
#include "os/thread.h"

#define WORKERS 4

/* ---- the executor: what a job does is a number in its message */

enum action { ANSWER, BLOCK, BREAK, BREAK_WITHOUT_ANSWER, BREAK_WITHOUT_MEMORY, LEAVE };

struct runtime {
    unsigned id;
    char thread_name[16];
    _Atomic uint32_t interrupts; /* futex word, too */
};

static struct {
    _Atomic unsigned starts;
    _Atomic unsigned stops;
    _Atomic unsigned jobs;
    _Atomic unsigned blocked;
    _Atomic unsigned interrupted;      /* jobs that an interrupt ended */
    _Atomic unsigned misses;           /* interrupts that came while no job ran */
    _Atomic unsigned fail_starts_from; /* the n-th start and later ones fail; 0 = none */
    _Atomic unsigned fail_starts_to;
    _Atomic uint64_t last_start_ns;
    _Atomic(struct runtime *) runtimes[WORKERS]; /* by worker */
    _Atomic bool is_stubborn;                    /* blocked jobs ignore interrupts */
    _Atomic bool may_end;                        /* ends stubborn ones */
} world;

static int thread_start(struct psv_worker *worker, void **ret_state, struct psv_error *reterr)
{
    unsigned number = atomic_fetch_add(&world.starts, 1) + 1;

    world.last_start_ns = psv_clock_monotonic_ns();
    if (world.fail_starts_from != 0 && number >= world.fail_starts_from && number <= world.fail_starts_to) {
        return psv_error_set(reterr, PSV_EIO, "start %u fails", number);
    }
    struct runtime *runtime = psv_calloc(1, sizeof(*runtime));
    INVARIANT(runtime != NULL);
    runtime->id = psv_worker_id(worker);
    INVARIANT(pthread_getname_np(pthread_self(), runtime->thread_name, sizeof(runtime->thread_name)) == 0);
    world.runtimes[runtime->id] = runtime;
    *ret_state = runtime;
    return PSV_OK;
}

static void block(struct runtime *runtime)
{
    world.blocked++;
    if (world.is_stubborn) {
        WAIT_UNTIL(world.may_end);
        return;
    }
    while (atomic_load(&runtime->interrupts) == 0) {
        (void)psv_futex_wait(&runtime->interrupts, 0, 0);
    }
    world.interrupted++;
}

static int run(struct psv_worker *worker, void *state)
{
    struct runtime *runtime = state;
    struct psv_job *job;

    while ((job = psv_worker_next_job(worker)) != NULL) {
        enum action action = (enum action)action_of(job);
        world.jobs++;
        INVARIANT(atomic_load(&job->worker_plus_1) == runtime->id + 1);
        if (action == BREAK_WITHOUT_ANSWER) {
            return PSV_EAGAIN;
        }
        if (action == BLOCK) {
            block(runtime);
        }
        INVARIANT(psv_job_write(job, "done", 4) != PSV_ENOMEM);
        psv_worker_end_job(worker, job);
        atomic_store(&runtime->interrupts, 0); /* as the contract says: none can come now */
        if (action == BREAK_WITHOUT_MEMORY) {
            psv_memory_fail_after(1); /* the next one is the successor's record */
            return PSV_EAGAIN;
        }
        if (action == BREAK) {
            return PSV_EAGAIN;
        }
        if (action == LEAVE) {
            return PSV_OK;
        }
    }
    return PSV_OK;
}

static void interrupt(void *state)
{
    struct runtime *runtime = state;

    atomic_fetch_add(&runtime->interrupts, 1);
    psv_futex_wake(&runtime->interrupts, 1);
}

static void thread_stop(void *state)
{
    struct runtime *runtime = state;

    world.misses += atomic_load(&runtime->interrupts) != 0;
    world.stops++;
    psv_free(runtime);
}

static const struct psv_executor executor = {
    .name = "test",
    .thread_start = thread_start,
    .run = run,
    .interrupt = interrupt,
    .thread_stop = thread_stop,
};

/* ---- fixture: the test is the loop */

static int start_pool(struct psv_error *reterr)
{
    const struct psv_worker_pool_options options = {
        .executor = &executor, .queue = &queue, .workers = WORKERS};

    return psv_worker_pool_start(&options, &pool, reterr);
}

static int setup_without_pool(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    pool_fixture_init(1000, WORKERS, PSV_WORKER_SPARES);
    return 0;
}

static int setup(void **state)
{
    struct psv_error error;

    setup_without_pool(state);
    assert_int_equal(start_pool(&error), 0);
    return 0;
}

static int teardown(void **state)
{
    psv_queue_stop(&queue);
    pool_fixture_fini();
    assert_int_equal(world.misses, 0);
    return table_report_row(state);
}

#define WHOLE (PSV_PART_HEAD | PSV_PART_END | PSV_PART_RELEASE)

static void expect_answer(struct psv_job *job)
{
    unsigned flags;

    assert_ptr_equal(await_release(&flags), job);
    assert_int_equal(flags, WHOLE);
}

/* ---- jobs */

static void test_jobs_run_and_come_back(void **state)
{
    (void)state;
    assert_int_equal(psv_worker_pool_size(pool), WORKERS);
    assert_int_equal(psv_worker_pool_alive(pool), WORKERS);
    assert_int_equal(psv_worker_pool_busy(pool), 0);
    for (unsigned i = 0; i < 100; i++) {
        struct psv_job *job = push_job(ANSWER);
        expect_answer(job);
        assert_true(job->started_ns != 0 && job->finished_ns >= job->started_ns);
        assert_true(job->sink.written_bytes == 4);
        assert_int_equal(psv_worker_pool_busy(pool), 0);
    }
    assert_int_equal(world.jobs, 100);
}

static void test_threads_have_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WORKERS; i++) {
        char expected[16];
        snprintf(expected, sizeof(expected), "php-%u", i);
        struct runtime *runtime = world.runtimes[i];
        assert_string_equal(runtime->thread_name, expected);
    }
}

static void test_busy_is_counted(void **state)
{
    (void)state;
    push_job(BLOCK);
    push_job(BLOCK);
    WAIT_UNTIL(world.blocked == 2);
    assert_int_equal(psv_worker_pool_busy(pool), 2);
    psv_worker_pool_interrupt_all(pool);
    await_release(NULL);
    await_release(NULL);
    assert_int_equal(psv_worker_pool_busy(pool), 0);
    assert_int_equal(world.interrupted, 2);
}

static void test_a_cancelled_job_does_not_run(void **state)
{
    struct psv_job *blocks[WORKERS];
    unsigned flags;

    (void)state;
    for (unsigned i = 0; i < WORKERS; i++) {
        blocks[i] = push_job(BLOCK);
    }
    WAIT_UNTIL(world.blocked == WORKERS);
    struct psv_job *cancelled = push_job(ANSWER);
    struct psv_job *last = push_job(ANSWER);
    assert_true(psv_job_try_cancel(cancelled));
    psv_job_set_gone(cancelled);
    psv_worker_pool_interrupt(pool, cancelled); /* harmless */
    psv_worker_pool_interrupt(pool, blocks[0]);
    assert_ptr_equal(await_release(NULL), blocks[0]);
    assert_ptr_equal(await_release(&flags), cancelled);
    assert_int_equal(flags, PSV_PART_RELEASE);
    assert_true(cancelled->started_ns == 0);
    expect_answer(last);
    assert_int_equal(world.jobs, WORKERS + 1);
    psv_worker_pool_interrupt_all(pool);
    for (unsigned i = 1; i < WORKERS; i++) {
        await_release(NULL);
    }
}

/* ---- interrupts */

static void test_an_interrupt_reaches_its_job_only(void **state)
{
    struct psv_job *jobs[WORKERS];

    (void)state;
    for (unsigned i = 0; i < WORKERS; i++) {
        jobs[i] = push_job(BLOCK);
    }
    WAIT_UNTIL(world.blocked == WORKERS);
    for (unsigned i = WORKERS; i-- > 0;) {
        psv_worker_pool_interrupt(pool, jobs[i]);
        assert_ptr_equal(await_release(NULL), jobs[i]);
        assert_int_equal(world.interrupted, WORKERS - i);
        assert_int_equal(psv_worker_pool_busy(pool), i);
        /* its worker has another job now, or none: neither is meant */
        psv_worker_pool_interrupt(pool, jobs[i]);
    }
    struct psv_job *next = push_job(BLOCK);
    WAIT_UNTIL(world.blocked == WORKERS + 1);
    psv_worker_pool_interrupt(pool, jobs[0]);
    psv_worker_pool_interrupt(pool, jobs[1]);
    usleep(10000);
    assert_int_equal(psv_worker_pool_busy(pool), 1);
    psv_worker_pool_interrupt(pool, next);
    assert_ptr_equal(await_release(NULL), next);
}

static void *interrupt_all_the_time(void *context)
{
    while (!atomic_load((_Atomic bool *)context)) {
        psv_worker_pool_interrupt_all(pool);
    }
    return NULL;
}

/* teardown sees to it that no interrupt came between jobs: that would be left over */
static void test_interrupts_against_short_jobs(void **state)
{
    pthread_t thread;
    _Atomic bool is_over = false;
    uint64_t until_ns = psv_clock_monotonic_ns() + test_run_ns() / 4;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, interrupt_all_the_time, &is_over), 0);
    while (psv_clock_monotonic_ns() < until_ns) {
        struct psv_job *jobs[WORKERS * 2];
        for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++) {
            jobs[i] = push_job(i % 2 == 0 ? BLOCK : ANSWER);
        }
        for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++) {
            psv_worker_pool_interrupt(pool, jobs[i]);
        }
        for (unsigned i = 0; i < ARRAY_SIZE(jobs); i++) {
            await_release(NULL);
        }
    }
    atomic_store(&is_over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    /* with the queue empty, everybody waits between jobs */
    psv_queue_stop(&queue);
}

/* ---- replacement */

static void test_a_broken_thread_is_replaced(void **state)
{
    (void)state;
    struct psv_job *job = push_job(BREAK);
    expect_answer(job);
    WAIT_UNTIL(world.starts == WORKERS + 1 && psv_worker_pool_alive(pool) == WORKERS);
    assert_int_equal(world.stops, 1);
    expect_answer(push_job(ANSWER));
}

static void test_a_job_left_behind_is_failed(void **state)
{
    unsigned flags;

    (void)state;
    struct psv_job *job = push_job(BREAK_WITHOUT_ANSWER);
    struct psv_job *released = await_release(&flags);
    assert_ptr_equal(released, job);
    assert_int_equal(flags, PSV_PART_END | PSV_PART_FAILED | PSV_PART_RELEASE);
    assert_int_equal(psv_worker_pool_busy(pool), 0);
    WAIT_UNTIL(psv_worker_pool_alive(pool) == WORKERS);
    expect_answer(push_job(ANSWER));
}

static void test_one_that_breaks_all_the_time_is_slowed_down(void **state)
{
    (void)state;
    uint64_t began_ns = psv_clock_monotonic_ns();
    /* the same slot again and again: the others are busy */
    for (unsigned i = 0; i < WORKERS - 1; i++) {
        push_job(BLOCK);
    }
    WAIT_UNTIL(world.blocked == WORKERS - 1);
    for (unsigned i = 0; i < 6; i++) {
        push_job(BREAK);
        await_release(NULL);
    }
    /* waits before the third and later ones: 10 + 20 + 40 + 80 ms at least, all but the last are over */
    WAIT_UNTIL(world.starts == WORKERS + 6);
    assert_true(world.last_start_ns - began_ns >= 150 * PSV_NS_PER_MS);
    WAIT_UNTIL(psv_worker_pool_alive(pool) == WORKERS);
    psv_worker_pool_interrupt_all(pool);
    for (unsigned i = 0; i < WORKERS - 1; i++) {
        await_release(NULL);
    }
}

static void test_a_replacement_that_cannot_start_is_tried_again(void **state)
{
    (void)state;
    world.fail_starts_from = WORKERS + 1;
    world.fail_starts_to = WORKERS + 3;
    push_job(BREAK);
    await_release(NULL);
    WAIT_UNTIL(world.starts == WORKERS + 4 && psv_worker_pool_alive(pool) == WORKERS);
    assert_int_equal(world.stops, 1);
}

static void test_stopping_ends_the_wait_for_a_replacement(void **state)
{
    (void)state;
    world.fail_starts_from = WORKERS + 1;
    world.fail_starts_to = UINT32_MAX;
    push_job(BREAK);
    await_release(NULL);
    WAIT_UNTIL(world.starts >= WORKERS + 7); /* the next wait is 640 ms */
    uint64_t began_ns = psv_clock_monotonic_ns();
    psv_queue_stop(&queue);
    assert_int_equal(psv_worker_pool_stop(TAKE(&pool), 0), 0);
    assert_true(psv_clock_monotonic_ns() - began_ns < 500 * PSV_NS_PER_MS);
}

static void test_slots_are_replaced_many_times(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        push_job(BREAK);
        await_release(NULL);
    }
    WAIT_UNTIL(world.starts == WORKERS + 20 && psv_worker_pool_alive(pool) == WORKERS);
    assert_int_equal(world.stops, 20);
}

static void test_without_a_successor_the_old_thread_goes_on(void **state)
{
    (void)state;
    push_job(BREAK_WITHOUT_MEMORY);
    await_release(NULL);
    WAIT_UNTIL(world.starts == WORKERS + 1 && psv_worker_pool_alive(pool) == WORKERS);
    assert_int_equal(world.stops, 1);
    expect_answer(push_job(ANSWER));
}

static void test_a_thread_may_leave_for_good(void **state)
{
    (void)state;
    expect_answer(push_job(LEAVE));
    WAIT_UNTIL(psv_worker_pool_alive(pool) == WORKERS - 1);
    expect_answer(push_job(ANSWER));
    assert_int_equal(world.starts, WORKERS);
}

/* ---- start and stop */

static void test_a_failed_start_stops_all(void **state)
{
    struct psv_error error = {.code = 0};

    (void)state;
    world.fail_starts_from = 3;
    world.fail_starts_to = 3;
    assert_int_equal(start_pool(&error), PSV_EIO);
    assert_non_null(strstr(error.message, "start 3 fails"));
    assert_null(pool);
    assert_int_equal(world.stops, world.starts - 1);
}

static int start_and_stop(void *context)
{
    struct psv_error error;

    setup_without_pool(context);
    int code = start_pool(&error);
    psv_queue_stop(&queue);
    if (code == PSV_OK) {
        assert_int_equal(psv_worker_pool_stop(TAKE(&pool), 0), 0);
    }
    assert_int_equal(world.stops, world.starts);
    psv_queue_fini(&queue);
    psv_mailbox_fini(&mailbox);
    return code;
}

static int start_and_stop_under_pressure(void *context)
{
    struct psv_error error;

    (void)context;
    memset(&world, 0, sizeof(world));
    int code = start_pool(&error);
    if (code == PSV_OK) {
        psv_queue_stop(&queue);
        assert_int_equal(psv_worker_pool_stop(TAKE(&pool), 0), 0);
    }
    assert_int_equal(world.stops, world.starts);
    return code;
}

static void test_out_of_memory_at_start(void **state)
{
    (void)state;
    /* pool, workers, probe, and one record per thread */
    assert_int_equal(fail_each_allocation(start_and_stop_under_pressure, NULL), 3 + WORKERS);
}

static void test_start_and_stop_again_and_again(void **state)
{
    psv_mailbox_fini(&mailbox);
    psv_queue_fini(&queue);
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(start_and_stop(state), 0);
    }
    setup_without_pool(state);
}

static void test_stop_hands_out_what_is_queued(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        push_job(ANSWER);
    }
    psv_queue_stop(&queue);
    assert_int_equal(psv_worker_pool_stop(TAKE(&pool), 0), 0);
    for (unsigned i = 0; i < 200; i++) {
        await_release(NULL);
    }
    assert_int_equal(world.jobs, 200);
    assert_int_equal(world.stops, WORKERS);
}

static void test_who_does_not_end_in_time_is_abandoned(void **state)
{
    (void)state;
    world.is_stubborn = true;
    push_job(BLOCK);
    WAIT_UNTIL(world.blocked == 1);
    psv_queue_stop(&queue);
    psv_worker_pool_interrupt_all(pool);
    /* the three idle ones need not have ended within the deadline, but will */
    static struct psv_worker_pool *abandoned; /* not freed, which a leak check should take for what it is */
    abandoned = TAKE(&pool);
    unsigned survivors = psv_worker_pool_stop(abandoned, psv_clock_monotonic_ns() + 100 * PSV_NS_PER_MS);
    assert_in_range(survivors, 1, WORKERS);
    world.may_end = true; /* it still works on its pool */
    await_release(NULL);
    WAIT_UNTIL(world.stops == WORKERS);
    usleep(20000); /* lets the threads' last steps pass */
    world.misses = 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define TEST_WITHOUT_POOL(f) cmocka_unit_test_setup_teardown(f, setup_without_pool, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_jobs_run_and_come_back),
        TEST(test_threads_have_names),
        TEST(test_busy_is_counted),
        TEST(test_a_cancelled_job_does_not_run),
        TEST(test_an_interrupt_reaches_its_job_only),
        TEST(test_interrupts_against_short_jobs),
        TEST(test_a_broken_thread_is_replaced),
        TEST(test_a_job_left_behind_is_failed),
        TEST(test_one_that_breaks_all_the_time_is_slowed_down),
        TEST(test_a_replacement_that_cannot_start_is_tried_again),
        TEST(test_stopping_ends_the_wait_for_a_replacement),
        TEST(test_slots_are_replaced_many_times),
        TEST(test_without_a_successor_the_old_thread_goes_on),
        TEST(test_a_thread_may_leave_for_good),
        TEST_WITHOUT_POOL(test_a_failed_start_stops_all),
        TEST_WITHOUT_POOL(test_out_of_memory_at_start),
        TEST_WITHOUT_POOL(test_start_and_stop_again_and_again),
        TEST(test_stop_hands_out_what_is_queued),
        TEST(test_who_does_not_end_in_time_is_abandoned),
    };
    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
