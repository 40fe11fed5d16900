/* The life of a script of worker mode: limits, failed boots, crashes, reboots, and new sets of workers, with
 * an executor of the test's own.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/worker.h"

#include "worker_fixture.h"

#include "base/memory.h"
#include "exec/worker_state.h"
#include "os/thread.h"

#define WORKERS 3
#define ID_MAX (2 * WORKERS + PSV_WORKER_SPARES)

/* What a request does is a number in its message. */
enum action { ANSWER, CRASH, BAIL, BLOCK, LEAVE };

static struct {
    _Atomic bool boots_fail;
    _Atomic bool boots_hang; /* until they are interrupted */
    _Atomic bool crashes_unasked;
    _Atomic unsigned boots;
    _Atomic unsigned hanging;
    _Atomic unsigned ends; /* of scripts that served */
    _Atomic unsigned bailouts;
    _Atomic unsigned most; /* requests that one boot has had */
    _Atomic unsigned blocked;
    _Atomic bool may_go_on;
    _Atomic unsigned reasons[PSV_SCRIPT_HAS_GROWN + 1];
    _Atomic uint32_t interrupts[ID_MAX]; /* futex words */
    _Atomic unsigned served[ID_MAX];
} world;

static int thread_start(struct psv_worker *worker, void **ret_state, struct psv_error *reterr)
{
    (void)reterr;
    INVARIANT(psv_worker_id(worker) < ID_MAX);
    *ret_state = &world.interrupts[psv_worker_id(worker)];
    return PSV_OK;
}

static bool boot(struct psv_worker *worker)
{
    _Atomic uint32_t *interrupts = &world.interrupts[psv_worker_id(worker)];

    atomic_store(interrupts, 0);
    psv_worker_script_begin(worker);
    world.boots++;
    if (world.boots_hang) {
        world.hanging++;
        while (atomic_load(interrupts) == 0) {
            (void)psv_futex_wait(interrupts, 0, 0);
        }
        world.hanging--;
        return false;
    }
    if (world.boots_fail) {
        psv_worker_script_note_error(worker, PSV_BYTES("no such table"));
        return false;
    }
    psv_worker_script_ready(worker);
    return true;
}

static enum action serve(struct psv_worker *worker)
{
    enum action action = ANSWER;
    unsigned requests = 0;
    struct psv_job *job;

    if (world.crashes_unasked) {
        return CRASH;
    }
    while (action == ANSWER && (job = psv_worker_next_job(worker)) != NULL) {
        action = (enum action)action_of(job);
        world.served[psv_worker_id(worker)]++;
        requests++;
        if (action == BLOCK) {
            world.blocked++;
            WAIT_UNTIL(world.may_go_on);
            action = ANSWER;
        }
        INVARIANT(psv_job_write(job, "done", 4) != PSV_ENOMEM);
        psv_worker_end_job(worker, job);
    }
    if (requests > world.most) {
        world.most = requests;
    }
    world.reasons[psv_worker_script_reason(worker)]++;
    world.ends++;
    return action;
}

static int run(struct psv_worker *worker, void *state)
{
    bool goes_on = true;

    (void)state;
    while (goes_on) {
        enum action end = ANSWER;
        bool is_ready = boot(worker);
        if (is_ready) {
            end = serve(worker);
        }
        bool has_failed = !is_ready || end == CRASH || end == BAIL;
        psv_worker_script_note_exit(worker, has_failed ? 255 : 0, end == BAIL);
        goes_on = psv_worker_script_end(worker, has_failed ? PSV_SCRIPT_FAILED : PSV_SCRIPT_DONE);
        if (end == BAIL) {
            world.bailouts++;
            return PSV_EAGAIN;
        }
    }
    return PSV_OK;
}

static void interrupt(void *state)
{
    _Atomic uint32_t *interrupts = state;

    atomic_fetch_add(interrupts, 1);
    psv_futex_wake(interrupts, 1);
}

static void thread_stop(void *state)
{
    (void)state;
}

static const struct psv_executor executor = {
    .name = "test",
    .thread_start = thread_start,
    .run = run,
    .interrupt = interrupt,
    .thread_stop = thread_stop,
};

/* ---- fixture: the test is the loop */

static struct psv_worker_script script;

static int setup(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    script = (struct psv_worker_script){.name = "app", .path = "/srv/app.php", .document_root = "/srv"};
    pool_fixture_init(4096, WORKERS, psv_worker_spares(WORKERS, true));
    return 0;
}

static int start(unsigned boot_failures_max, struct psv_error *reterr)
{
    const struct psv_worker_pool_options options = {.executor = &executor,
                                                    .queue = &queue,
                                                    .workers = WORKERS,
                                                    .script = &script,
                                                    .boot_failures_max = boot_failures_max};

    return psv_worker_pool_start(&options, &pool, reterr);
}

static void start_well(void)
{
    struct psv_error error;

    assert_int_equal(start(6, &error), 0);
}

static int teardown(void **state)
{
    world.may_go_on = true;
    psv_queue_stop(&queue);
    if (pool != NULL) {
        psv_worker_pool_interrupt_all(pool);
    }
    pool_fixture_fini();
    return table_report_row(state);
}

static void serve_some(unsigned len)
{
    for (unsigned sent = 0, back = 0; back < len; back++) {
        for (; sent < len && sent - back < 64; sent++) {
            push_job(ANSWER);
        }
        await_release(NULL);
    }
}

static unsigned serving(void)
{
    uint64_t unserved_ns;

    return psv_worker_pool_serving(pool, &unserved_ns);
}

static uint64_t sum_of(size_t offset)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < pool->slots_len; i++) {
        sum += atomic_load((_Atomic uint64_t *)(void *)((char *)&pool->workers[i].meter + offset));
    }
    return sum;
}
#define SUM_OF(member) sum_of(offsetof(struct psv_worker_meter, member))

/* ---- limits */

static void test_no_boot_has_more_requests_than_it_may(void **state)
{
    static const struct {
        TABLE_ROW;
        unsigned max;
        unsigned least; /* of one boot, but for the last */
    } cases[] = {{ROW("one"), 1, 1}, {ROW("nine"), 9, 9}, {ROW("a hundred"), 100, 90}};

    TABLE_FOR_EACH(row, cases)
    {
        script.max_requests = row->max;
        start_well();
        serve_some(2000);
        assert_in_range(world.most, row->least, row->max);
        assert_in_range(world.boots, 2000 / row->max, 2000 / row->least + WORKERS);
        WAIT_UNTIL(world.reasons[PSV_SCRIPT_HAS_SERVED] == SUM_OF(restarts)); /* counted a little later */
        assert_int_equal(world.bailouts, 0);
        teardown(state);
        setup(state);
    }
}

static void test_an_idle_script_ends_when_its_time_is_over(void **state)
{
    (void)state;
    script.time_max_ms = 30;
    start_well();
    WAIT_UNTIL(world.reasons[PSV_SCRIPT_HAS_AGED] >= 2 * WORKERS);
    serve_some(10);
}

/* ---- boots */

static void test_a_start_fails_with_what_the_script_said(void **state)
{
    struct psv_error error = {.code = 0};

    (void)state;
    world.boots_fail = true;
    assert_int_equal(start(2, &error), PSV_EIO);
    assert_non_null(strstr(error.message,
                           "/srv/app.php has not reached frankenphp_handle_request(), again and "
                           "again: no such table"));
    assert_null(pool);
}

static void test_later_boots_are_tried_again_and_again(void **state)
{
    (void)state;
    start_well();
    assert_false(psv_worker_pool_is_failing(pool));
    world.boots_fail = true;
    for (unsigned i = 0; i < WORKERS; i++) {
        push_job(LEAVE);
        await_release(NULL);
    }
    WAIT_UNTIL(psv_worker_pool_is_failing(pool));
    assert_int_equal(serving(), 0);
    WAIT_UNTIL(SUM_OF(boot_failures) >= 2 * WORKERS);
    push_job(ANSWER); /* waits */
    world.boots_fail = false;
    await_release(NULL);
    WAIT_UNTIL(serving() == WORKERS);
    assert_false(psv_worker_pool_is_failing(pool));
    assert_true(world.boots > 3 * WORKERS);
}

static void test_a_boot_that_hangs_is_interrupted(void **state)
{
    struct psv_error error = {.code = 0};

    (void)state;
    world.boots_hang = true;
    script.boot_timeout_ms = 20;
    assert_int_equal(start(1, &error), PSV_EIO);
    assert_non_null(strstr(error.message, "it took longer than 20 ms"));
}

static void test_a_boot_that_hangs_is_interrupted_at_the_end(void **state)
{
    (void)state;
    start_well();
    world.boots_hang = true;
    push_job(LEAVE);
    await_release(NULL);
    WAIT_UNTIL(world.hanging == 1);
    psv_queue_stop(&queue);
    psv_worker_pool_interrupt_all(pool);
    assert_int_equal(psv_worker_pool_stop(TAKE(&pool), 0), 0);
}

static bool is_cancelled(void *context)
{
    (void)context;
    return true;
}

static void test_the_start_can_be_cancelled(void **state)
{
    struct psv_error error = {.code = 0};
    const struct psv_worker_pool_options options = {.executor = &executor,
                                                    .queue = &queue,
                                                    .workers = WORKERS,
                                                    .script = &script,
                                                    .boot_failures_max = 1};

    (void)state;
    world.boots_hang = true;
    assert_int_equal(psv_worker_pool_launch(&options, &pool, &error), 0);
    WAIT_UNTIL(world.hanging == WORKERS);
    assert_int_equal(psv_worker_pool_await(pool, is_cancelled, NULL, &error), PSV_ESTOPPING);
}

/* ---- crashes */

static void test_a_crash_is_counted_and_costs_no_wait(void **state)
{
    (void)state;
    start_well();
    uint64_t began_ns = psv_clock_monotonic_ns();
    for (unsigned i = 0; i < 20; i++) {
        serve_some(10);
        push_job(i % 2 == 0 ? CRASH : BAIL);
        await_release(NULL);
        serve_some(50); /* not its first request any more */
    }
    WAIT_UNTIL(SUM_OF(crashes) == 20 && serving() == WORKERS);
    assert_int_equal(world.bailouts, 10);
    assert_int_equal(SUM_OF(boot_failures), 0);
    assert_true(psv_clock_monotonic_ns() - began_ns < 5 * PSV_NS_PER_S);
}

static unsigned backing_off(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < pool->slots_len; i++) {
        struct psv_worker *worker = &pool->workers[i];
        pthread_mutex_lock(&worker->lock);
        count += worker->life.is_backing_off;
        pthread_mutex_unlock(&worker->lock);
    }
    return count;
}

static void test_requests_that_crash_a_script_at_once_hold_up_nobody(void **state)
{
    (void)state;
    start_well();
    for (unsigned i = 1; i <= 8 * WORKERS; i++) {
        push_job(CRASH);
        await_release(NULL);
        WAIT_UNTIL(SUM_OF(crashes) == i);
        while (serving() < WORKERS) {
            assert_int_equal(backing_off(), 0);
        }
    }
    serve_some(50);
}

static void test_one_that_crashes_unasked_is_slowed_down(void **state)
{
    (void)state;
    start_well();
    world.crashes_unasked = true;
    push_job(CRASH);
    await_release(NULL);
    WAIT_UNTIL(backing_off() >=
               1); /* the first was a request's, three have had none; one that was just begun may join */
    world.crashes_unasked = false;
    WAIT_UNTIL(serving() == WORKERS && backing_off() == 0);
    assert_true(SUM_OF(crashes) >= 4);
}

/* ---- reboots and new sets */

static void test_a_reboot_reaches_all_and_loses_nothing(void **state)
{
    (void)state;
    start_well();
    for (unsigned i = 1; i <= 10; i++) {
        for (unsigned j = 0; j < 32; j++) {
            push_job(ANSWER);
        }
        psv_worker_scripts_reboot("test");
        for (unsigned j = 0; j < 32; j++) {
            await_release(NULL);
        }
        /* begun anew: who has only ended would take the next reboot for this one */
        WAIT_UNTIL(world.boots >= (i + 1) * WORKERS && serving() == WORKERS);
    }
    assert_int_equal(SUM_OF(restarts), world.ends);
}

static enum psv_renewal_state renewal(struct psv_error *error)
{
    uint64_t began_ns;

    return psv_worker_pool_renewal(pool, &began_ns, error);
}

static unsigned used_slots(void)
{
    unsigned used = 0;

    pthread_mutex_lock(&pool->life_lock);
    for (unsigned i = 0; i < pool->slots_len; i++) {
        used += pool->workers[i].is_used;
    }
    pthread_mutex_unlock(&pool->life_lock);
    return used;
}

static void test_a_new_set_takes_over(void **state)
{
    struct psv_error error;

    (void)state;
    start_well();
    for (unsigned i = 1; i <= 20; i++) {
        for (unsigned j = 0; j < 32; j++) {
            push_job(ANSWER);
        }
        assert_int_equal(psv_worker_pool_renew(pool, &error), 0);
        for (unsigned j = 0; j < 32; j++) {
            await_release(NULL);
        }
        WAIT_UNTIL(renewal(&error) == PSV_RENEWAL_DONE);
        assert_int_equal(serving(), WORKERS);
        WAIT_UNTIL(used_slots() == WORKERS);
        assert_int_equal(world.boots, (i + 1) * WORKERS);
        assert_int_equal(world.ends, i * WORKERS);
    }
    serve_some(100);
    assert_int_equal(psv_worker_pool_alive(pool), WORKERS);
}

static void test_the_old_ones_serve_until_all_new_ones_are_ready(void **state)
{
    struct psv_error error;

    (void)state;
    start_well();
    world.boots_hang = true;
    assert_int_equal(psv_worker_pool_renew(pool, &error), 0);
    WAIT_UNTIL(world.hanging == WORKERS);
    assert_int_equal(psv_worker_pool_renew(pool, &error), PSV_EEXIST);
    serve_some(100);
    assert_int_equal(serving(), WORKERS);
    assert_int_equal(renewal(&error), PSV_RENEWAL_BOOTING);
    assert_int_equal(world.ends, 0);
}

static void test_a_new_set_that_does_not_boot_changes_nothing(void **state)
{
    struct psv_error error;

    (void)state;
    start_well();
    world.boots_fail = true;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(psv_worker_pool_renew(pool, &error), 0);
        WAIT_UNTIL(renewal(&error) == PSV_RENEWAL_FAILED);
        assert_non_null(strstr(error.message, "no such table"));
        WAIT_UNTIL(used_slots() == WORKERS);
        serve_some(20);
    }
    assert_int_equal(world.ends, 0);
    assert_int_equal(serving(), WORKERS);
    world.boots_fail = false;
    assert_int_equal(psv_worker_pool_renew(pool, &error), 0);
    WAIT_UNTIL(renewal(&error) == PSV_RENEWAL_DONE);
    serve_some(20);
}

static void test_a_failed_set_takes_its_slow_ones_along(void **state)
{
    struct psv_error error;

    (void)state;
    script.boot_timeout_ms = 20;
    start_well();
    world.boots_hang = true;
    assert_int_equal(psv_worker_pool_renew(pool, &error), 0);
    WAIT_UNTIL(world.hanging == WORKERS);
    usleep(30000);
    psv_worker_pool_check_boots(pool);
    WAIT_UNTIL(renewal(&error) == PSV_RENEWAL_FAILED);
    WAIT_UNTIL(world.hanging == 0 && used_slots() == WORKERS);
    world.boots_hang = false;
    serve_some(20);
}

static void test_old_ones_finish_what_they_have(void **state)
{
    struct psv_error error;

    (void)state;
    start_well();
    for (unsigned i = 0; i < WORKERS; i++) {
        push_job(BLOCK);
    }
    WAIT_UNTIL(world.blocked == WORKERS);
    assert_int_equal(psv_worker_pool_renew(pool, &error), 0);
    WAIT_UNTIL(renewal(&error) == PSV_RENEWAL_DONE);
    serve_some(50); /* by the new ones */
    assert_int_equal(world.ends, 0);
    world.may_go_on = true;
    for (unsigned i = 0; i < WORKERS; i++) {
        await_release(NULL);
    }
    WAIT_UNTIL(world.ends == WORKERS && used_slots() == WORKERS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_no_boot_has_more_requests_than_it_may),
        TEST(test_an_idle_script_ends_when_its_time_is_over),
        TEST(test_a_start_fails_with_what_the_script_said),
        TEST(test_later_boots_are_tried_again_and_again),
        TEST(test_a_boot_that_hangs_is_interrupted),
        TEST(test_a_boot_that_hangs_is_interrupted_at_the_end),
        TEST(test_the_start_can_be_cancelled),
        TEST(test_a_crash_is_counted_and_costs_no_wait),
        TEST(test_requests_that_crash_a_script_at_once_hold_up_nobody),
        TEST(test_one_that_crashes_unasked_is_slowed_down),
        TEST(test_a_reboot_reaches_all_and_loses_nothing),
        TEST(test_a_new_set_takes_over),
        TEST(test_the_old_ones_serve_until_all_new_ones_are_ready),
        TEST(test_a_new_set_that_does_not_boot_changes_nothing),
        TEST(test_a_failed_set_takes_its_slow_ones_along),
        TEST(test_old_ones_finish_what_they_have),
    };
    return cmocka_run_group_tests_name("worker_script", tests, NULL, NULL);
}
