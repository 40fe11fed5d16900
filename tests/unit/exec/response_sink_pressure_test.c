/* Streams: when a flush waits, what ends its waiting, and no memory for the next part.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/response_sink.h"

#include <pthread.h>

#include "exec_test.h"

#include "base/error.h"
#include "base/memory.h"

static struct job_fixture fixture;

static int setup(void **state)
{
    (void)state;
    job_fixture_init(&fixture);
    assert_int_equal(psv_job_respond(fixture.job, 200, NULL, 0), 0);
    return 0;
}

static int teardown(void **state)
{
    job_fixture_fini(&fixture);
    return table_report_row(state);
}

struct flusher {
    pthread_t thread;
    _Atomic bool is_done;
    _Atomic int code;
};

static void *run_flush(void *context)
{
    struct flusher *flusher = context;

    flusher->code = psv_job_flush(fixture.job);
    flusher->is_done = true;
    return NULL;
}

static void write_window(size_t more)
{
    static char block[FIXTURE_WINDOW * 2];

    memset(block, 'w', sizeof(block));
    assert_int_equal(psv_job_write(fixture.job, block, FIXTURE_WINDOW + more), 0);
}

/* Starts a flush that has to wait, on a thread of its own, and comes back when it does. */
static void start_waiting_flush(struct flusher *flusher)
{
    memset(flusher, 0, sizeof(*flusher));
    assert_int_equal(pthread_create(&flusher->thread, NULL, run_flush, flusher), 0);
    WAIT_UNTIL((atomic_load(&fixture.job->sink.credit_futex) & 1) != 0);
}

static int end_flush(struct flusher *flusher)
{
    assert_int_equal(pthread_join(flusher->thread, NULL), 0);
    assert_int_equal(atomic_load(&fixture.job->sink.credit_futex) & 1, 0);
    return flusher->code;
}

static void drop_parts(void)
{
    struct psv_response_part *part;

    while ((part = psv_mailbox_take(&fixture.mailbox)) != NULL) {
        struct psv_body_piece *piece = psv_part_piece(part);
        piece->release(piece);
    }
}

static void test_a_flush_within_the_window_does_not_wait(void **state)
{
    (void)state;
    write_window(0);
    assert_int_equal(psv_job_flush(fixture.job), 0);
    psv_sink_credit(&fixture.job->sink, 500);
    assert_int_equal(psv_job_write(fixture.job, "w", 1), 0);
    assert_int_equal(psv_job_flush(fixture.job), 0);
    psv_sink_release(&fixture.job->sink);
    drop_parts();
}

static void test_credit_ends_waiting(void **state)
{
    struct flusher flusher;

    (void)state;
    write_window(10);
    start_waiting_flush(&flusher);
    psv_sink_credit(&fixture.job->sink, 9); /* not enough */
    usleep(10000);
    assert_false(flusher.is_done);
    psv_sink_credit(&fixture.job->sink, 1);
    assert_int_equal(end_flush(&flusher), 0);
    psv_sink_release(&fixture.job->sink);
    drop_parts();
}

static void test_leaving_ends_waiting(void **state)
{
    struct flusher flusher;

    (void)state;
    write_window(10);
    start_waiting_flush(&flusher);
    psv_job_set_gone(fixture.job);
    assert_int_equal(end_flush(&flusher), PSV_EGONE);
    psv_sink_release(&fixture.job->sink);
    drop_parts();
}

static void test_the_deadline_ends_waiting(void **state)
{
    (void)state;
    write_window(10);
    atomic_store(&fixture.job->deadline_ns, psv_clock_monotonic_ns() + 20 * PSV_NS_PER_MS);
    assert_int_equal(psv_job_flush(fixture.job), PSV_ETIMEOUT);
    assert_true(psv_job_is_overdue(fixture.job));
    psv_sink_release(&fixture.job->sink);
    drop_parts();
}

static void *stream_randomly(void *context)
{
    uint64_t random = psv_clock_monotonic_ns() | 1;
    char block[600];

    memset(block, 's', sizeof(block));
    for (unsigned i = 0; i < 3000; i++) {
        size_t len = (size_t)(test_random(&random) % sizeof(block));
        INVARIANT(psv_job_write(fixture.job, block, len) == PSV_OK);
        INVARIANT(psv_job_flush(fixture.job) == PSV_OK);
    }
    psv_sink_release(&fixture.job->sink);
    *(_Atomic bool *)context = true;
    return NULL;
}

/* A loop that takes parts and gives credit in random slices: the stream must get through, and never more than
 * the window and one write may be under way. */
static void test_a_stream_against_a_slow_client(void **state)
{
    pthread_t thread;
    _Atomic bool is_done = false;
    uint64_t random = 4711;
    uint64_t owed = 0;
    uint64_t total = 0;
    unsigned flags = 0;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, stream_randomly, &is_done), 0);
    uint64_t until_ns = psv_clock_monotonic_ns() + TEST_PATIENCE_NS;
    while ((flags & PSV_PART_RELEASE) == 0) {
        struct psv_response_part *part = psv_mailbox_take(&fixture.mailbox);
        if (part != NULL) {
            flags = part->flags;
            struct psv_body_piece *piece = psv_part_piece(part);
            owed += piece->len;
            total += piece->len;
            piece->release(piece);
            assert_true(owed <= FIXTURE_WINDOW + 600);
        }
        if (owed > 0 && test_random(&random) % 3 == 0) {
            uint64_t bytes = test_random(&random) % owed + 1;
            owed -= bytes;
            psv_sink_credit(&fixture.job->sink, bytes);
        }
        assert_true(psv_clock_monotonic_ns() < until_ns);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(total == fixture.job->sink.written_bytes);
    assert_true(atomic_load(&is_done));
}

static void test_no_memory_for_a_streamed_part(void **state)
{
    (void)state;
    assert_int_equal(psv_job_write(fixture.job, "one", 3), 0);
    assert_int_equal(psv_job_flush(fixture.job), 0);
    psv_memory_fail_after(1);
    assert_int_equal(psv_job_write(fixture.job, "two", 3), PSV_ENOMEM);
    psv_memory_fail_after(0);
    psv_sink_release(&fixture.job->sink);
    expect_part(&fixture, PSV_PART_HEAD, "one");
    expect_part(&fixture, PSV_PART_END | PSV_PART_FAILED | PSV_PART_RELEASE, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_flush_within_the_window_does_not_wait),
        TEST(test_credit_ends_waiting),
        TEST(test_leaving_ends_waiting),
        TEST(test_the_deadline_ends_waiting),
        TEST(test_a_stream_against_a_slow_client),
        TEST(test_no_memory_for_a_streamed_part),
    };
    return cmocka_run_group_tests_name("response_sink_pressure", tests, NULL, NULL);
}
