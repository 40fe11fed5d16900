/* The question whether PHP works: asked of whoever looks for a job next, one at a time, never in the way of a
 * full queue.  One worker, whose jobs and answers wait for the test.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/worker.h"

#include "worker_fixture.h"

#define CAPACITY 4

static struct {
    _Atomic unsigned jobs;      /* begun */
    _Atomic unsigned may_end;   /* of them */
    _Atomic unsigned probes;    /* begun */
    _Atomic unsigned may_say;   /* of them */
    _Atomic bool says;          /* what they say */
    _Atomic unsigned probes_at; /* probes begun before the second job */
} world;

static int thread_start(struct psv_worker *worker, void **ret_state, struct psv_error *reterr)
{
    (void)worker;
    (void)reterr;
    *ret_state = &world;
    return PSV_OK;
}

static int run(struct psv_worker *worker, void *state)
{
    struct psv_job *job;

    (void)state;
    while ((job = psv_worker_next_job(worker)) != NULL) {
        unsigned number = world.jobs + 1; /* the only worker */
        if (number == 2) {
            world.probes_at = world.probes;
        }
        world.jobs = number; /* last: the test waits for it, and reads the others */
        WAIT_UNTIL(world.may_end >= number);
        INVARIANT(psv_job_write(job, "done", 4) != PSV_ENOMEM);
        psv_worker_end_job(worker, job);
    }
    return PSV_OK;
}

static bool probe(void *state)
{
    (void)state;
    unsigned number = atomic_fetch_add(&world.probes, 1) + 1;
    WAIT_UNTIL(world.may_say >= number);
    return world.says;
}

static void interrupt(void *state)
{
    (void)state;
}

static const struct psv_executor executor = {
    .name = "test",
    .thread_start = thread_start,
    .run = run,
    .probe = probe,
    .interrupt = interrupt,
    .thread_stop = interrupt,
};

static int setup(void **state)
{
    const struct psv_worker_pool_options options = {.executor = &executor, .queue = &queue, .workers = 1};
    struct psv_error error;

    (void)state;
    memset(&world, 0, sizeof(world));
    world.says = true;
    pool_fixture_init(CAPACITY, 1, PSV_WORKER_SPARES);
    assert_int_equal(psv_worker_pool_start(&options, &pool, &error), 0);
    return 0;
}

static int teardown(void **state)
{
    world.may_end = world.may_say = 1000;
    psv_queue_stop(&queue);
    assert_int_equal(psv_worker_pool_stop(pool, 0), 0);
    pool = NULL;
    for (struct psv_response_part *part; (part = psv_mailbox_take(&mailbox)) != NULL;) {
        struct psv_body_piece *piece = psv_part_piece(part);
        piece->release(piece);
    }
    pool_fixture_fini();
    return table_report_row(state);
}

static uint64_t answered_ns(void)
{
    uint64_t done_ns;

    (void)psv_worker_pool_probed(pool, &done_ns);
    return done_ns;
}

static void test_an_idle_worker_is_woken(void **state)
{
    uint64_t before_ns = answered_ns();

    (void)state;
    world.may_say = 1;
    world.says = false;
    assert_int_equal(psv_worker_pool_probe(pool), PSV_OK);
    WAIT_UNTIL(answered_ns() > before_ns);
    uint64_t done_ns;
    assert_false(psv_worker_pool_probed(pool, &done_ns));
}

static void test_it_passes_a_full_queue(void **state)
{
    uint64_t before_ns = answered_ns();

    (void)state;
    push_job(0);
    WAIT_UNTIL(world.jobs == 1);
    for (unsigned i = 0; i < CAPACITY; i++) {
        push_job(0);
    }
    assert_int_equal(psv_worker_pool_probe(pool), PSV_EFULL);
    world.may_say = 1;
    world.may_end = 1;
    WAIT_UNTIL(world.jobs == 2);
    assert_int_equal(world.probes_at, 1); /* before the next job, and not behind all */
    assert_true(answered_ns() > before_ns);
}

static void test_one_at_a_time(void **state)
{
    (void)state;
    assert_int_equal(psv_worker_pool_probe(pool), PSV_OK);
    WAIT_UNTIL(world.probes == 1);
    assert_int_equal(psv_worker_pool_probe(pool), PSV_OK); /* nothing: the first is not answered */
    assert_true(psv_queue_len(&queue) <= 1); /* it may have been seen before it was taken from there */
    world.may_say = 1;
    world.may_end = 1;
    push_job(0);
    WAIT_UNTIL(world.jobs == 1);
    assert_int_equal(world.probes, 1);
}

static void test_asked_twice_it_stands_in_the_queue_once(void **state)
{
    (void)state;
    push_job(0);
    WAIT_UNTIL(world.jobs == 1);
    assert_int_equal(psv_worker_pool_probe(pool), PSV_OK);
    assert_int_equal(psv_worker_pool_probe(pool), PSV_OK);
    assert_int_equal(psv_queue_len(&queue), 1);
    push_job(0);
    world.may_say = 10;
    world.may_end = 1;
    WAIT_UNTIL(world.jobs == 2);
    assert_int_equal(world.probes,
                     1); /* answered before the queue was looked at; what stood there asks no more */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_idle_worker_is_woken),
        TEST(test_it_passes_a_full_queue),
        TEST(test_one_at_a_time),
        TEST(test_asked_twice_it_stands_in_the_queue_once),
    };
    return cmocka_run_group_tests_name("worker_probe", tests, NULL, NULL);
}
