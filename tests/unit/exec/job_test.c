/* Jobs: start against cancel, deadlines, the request's body.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/job.h"

#include <pthread.h>

#include "exec_test.h"

static void test_message_and_body(void **state)
{
    struct job_fixture fixture;
    char out[8] = "";

    (void)state;
    job_fixture_init(&fixture);
    assert_int_equal(psv_request_body_append(&fixture.request_body, "hello", 5), 0);
    assert_bytes_equal(psv_job_message(fixture.job)->method, "GET");
    assert_true(psv_job_message(fixture.job) != &fixture.message); /* a copy */
    assert_int_equal(psv_job_body_read(fixture.job, out, 3), 3);
    assert_memory_equal(out, "hel", 3);
    assert_int_equal(psv_job_body_read(fixture.job, out, 3), 2);
    assert_int_equal(psv_job_body_read(fixture.job, out, 3), 0);
    psv_job_body_rewind(fixture.job);
    assert_int_equal(psv_job_body_read(fixture.job, out, 8), 5);
    assert_memory_equal(out, "hello", 5);
    job_fixture_fini(&fixture);
}

static void test_a_job_starts_or_is_cancelled(void **state)
{
    struct job_fixture fixture;

    (void)state;
    job_fixture_init(&fixture); /* running */
    assert_false(psv_job_try_cancel(fixture.job));
    assert_false(psv_job_try_start(fixture.job));
    job_fixture_queue(&fixture);
    assert_true(psv_job_try_cancel(fixture.job));
    assert_false(psv_job_try_start(fixture.job));
    assert_false(psv_job_try_cancel(fixture.job));
    job_fixture_fini(&fixture);
}

static void test_deadline(void **state)
{
    struct job_fixture fixture;

    (void)state;
    job_fixture_init(&fixture);
    assert_false(psv_job_is_overdue(fixture.job)); /* none */
    psv_job_extend_deadline(fixture.job, 100000);
    assert_int_equal(atomic_load(&fixture.job->deadline_ns), 0); /* stays none */
    atomic_store(&fixture.job->deadline_ns, psv_clock_monotonic_ns());
    assert_true(psv_job_is_overdue(fixture.job));
    psv_job_extend_deadline(fixture.job, 100000);
    assert_false(psv_job_is_overdue(fixture.job));
    uint64_t left_ns = atomic_load(&fixture.job->deadline_ns) - psv_clock_monotonic_ns();
    assert_in_range(left_ns, 90 * PSV_NS_PER_S, 100 * PSV_NS_PER_S);
    psv_job_extend_deadline(fixture.job, 0);
    assert_true(psv_job_is_overdue(fixture.job));
    psv_job_extend_deadline(fixture.job, UINT64_MAX);
    assert_true(atomic_load(&fixture.job->deadline_ns) == UINT64_MAX);
    psv_job_extend_deadline(fixture.job, UINT64_MAX / PSV_NS_PER_MS); /* overflows with the clock only */
    assert_true(atomic_load(&fixture.job->deadline_ns) == UINT64_MAX);
    job_fixture_fini(&fixture);
}

static void test_gone(void **state)
{
    struct job_fixture fixture;

    (void)state;
    job_fixture_init(&fixture);
    assert_false(psv_job_is_gone(fixture.job));
    psv_job_set_gone(fixture.job);
    assert_true(psv_job_is_gone(fixture.job));
    job_fixture_fini(&fixture);
}

static void test_no_memory_for_a_job(void **state)
{
    struct psv_arena arena;

    (void)state;
    psv_arena_init(&arena, 64);
    assert_null(psv_job_new(&arena, NULL));
    psv_arena_fini(&arena);
}

/* ---- cancel against start */

#define RACES 20000

struct race {
    struct psv_job jobs[RACES];
    pthread_barrier_t barrier;
    _Atomic unsigned started;
    _Atomic unsigned cancelled;
};

static void *start_all(void *context)
{
    struct race *race = context;

    pthread_barrier_wait(&race->barrier);
    for (unsigned i = 0; i < RACES; i++) {
        if (psv_job_try_start(&race->jobs[i])) {
            race->started++;
        }
    }
    return NULL;
}

static void test_exactly_one_of_start_and_cancel_wins(void **state)
{
    struct race *race = calloc(1, sizeof(*race));
    pthread_t thread;

    (void)state;
    assert_non_null(race);
    for (unsigned i = 0; i < RACES; i++) {
        race->jobs[i].magic = PSV_JOB_MAGIC;
    }
    assert_int_equal(pthread_barrier_init(&race->barrier, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, start_all, race), 0);
    pthread_barrier_wait(&race->barrier);
    for (unsigned i = RACES; i-- > 0;) { /* from the other end: they meet in the middle */
        if (psv_job_try_cancel(&race->jobs[i])) {
            race->cancelled++;
        }
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(race->started + race->cancelled, RACES);
    pthread_barrier_destroy(&race->barrier);
    free(race);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_and_body),
        cmocka_unit_test(test_a_job_starts_or_is_cancelled),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_no_memory_for_a_job),
        cmocka_unit_test(test_exactly_one_of_start_and_cancel_wins),
    };
    return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
