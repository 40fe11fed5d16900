/* The stub executor's paths, run by a real pool; the test is the loop.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/executor_registry.h"

#include "exec_test.h"

#include "base/error.h"
#include "base/memory.h"
#include "exec/queue.h"
#include "exec/worker.h"

static struct psv_queue queue;
static struct psv_mailbox mailbox;
static struct psv_arena arena;
static struct psv_request_body request_body;
static struct psv_worker_pool *pool;
static struct psv_job *job;

static int setup(void **state)
{
    const struct psv_worker_pool_options options = {
        .executor = &psv_executor_stub, .queue = &queue, .workers = 1};
    struct psv_error error;

    (void)state;
    assert_int_equal(psv_executor_stub.process_start(NULL, &error), 0);
    assert_int_equal(psv_queue_init(&queue, 10, 1, 0, 1), 0);
    assert_int_equal(psv_mailbox_init(&mailbox, 64), 0);
    psv_arena_init(&arena, 1 << 20);
    psv_request_body_init(&request_body, 1000, 1 << 20);
    assert_int_equal(psv_worker_pool_start(&options, &pool, &error), 0);
    return 0;
}

static int teardown(void **state)
{
    psv_queue_stop(&queue);
    assert_int_equal(psv_worker_pool_stop(pool, 0), 0);
    psv_executor_stub.process_stop();
    assert_null(psv_mailbox_take(&mailbox));
    psv_queue_fini(&queue);
    psv_mailbox_fini(&mailbox);
    psv_request_body_fini(&request_body);
    psv_arena_fini(&arena);
    return table_report_row(state);
}

/* ---- one request and what came of it */

struct answer {
    unsigned flags; /* of all parts */
    unsigned parts;
    size_t len;
    char *text; /* freed by the next send */
};

static struct answer answer;

static struct psv_message message_for(const char *target)
{
    struct psv_bytes text = psv_bytes_of(target);
    size_t mark = psv_bytes_find(text, '?');
    static const struct psv_field fields[] = {
        {.name = PSV_BYTES_INIT("Host"), .value = PSV_BYTES_INIT("localhost")},
        {.name = PSV_BYTES_INIT("X-Odd"), .value = PSV_BYTES_INIT(" a, b")},
    };

    return (struct psv_message){
        .method = PSV_BYTES("POST"),
        .protocol = PSV_BYTES("HTTP/1.1"),
        .target = text,
        .query = mark < text.len ? psv_bytes_from(text, mark + 1) : PSV_BYTES_EMPTY,
        .fields = fields,
        .fields_len = ARRAY_SIZE(fields),
    };
}

static void start(const char *target)
{
    const struct psv_message message = message_for(target);

    free(answer.text);
    answer = (struct answer){.text = calloc(1, 1)};
    job = psv_job_new(&arena, &request_body);
    assert_non_null(job);
    job->message = message;
    psv_sink_init(&job->sink, job, &mailbox, 65536, 1 << 30);
    assert_int_equal(psv_queue_push(&queue, job), 0);
}

/* Collects parts until one of them has the flag. */
static void collect_until(unsigned flag)
{
    while ((answer.flags & flag) == 0) {
        struct psv_response_part *part;
        WAIT_UNTIL((part = psv_mailbox_take(&mailbox)) != NULL);
        answer.flags |= part->flags;
        answer.parts++;
        struct psv_body_piece *piece = psv_part_piece(part);
        char *more = piece_text(piece);
        answer.text = realloc(answer.text, answer.len + piece->len + 1);
        assert_non_null(answer.text);
        memcpy(answer.text + answer.len, more, piece->len + 1);
        answer.len += piece->len;
        free(more);
        piece->release(piece);
    }
}

static void send_request(const char *target)
{
    start(target);
    collect_until(PSV_PART_RELEASE);
}

#define WHOLE (PSV_PART_HEAD | PSV_PART_END | PSV_PART_RELEASE)

static void expect_filler(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(text[i], 'a' + i % 26);
    }
}

/* ---- paths */

static void test_other_paths_answer_ok(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *target;
    } cases[] = {
        {ROW("root"), "/"},
        {ROW("a script"), "/index.php?x=1"},
        {ROW("nearly"), "/stub"},
        {ROW("nearly, too"), "/stubs/echo"},
        {ROW("unknown"), "/stub/unknown"},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        send_request(row->target);
        assert_int_equal(answer.flags, WHOLE);
        assert_int_equal(answer.parts, 1);
        assert_string_equal(answer.text, "ok\n");
        assert_int_equal(job->sink.status, 200);
        assert_bytes_equal(job->sink.fields[0].value, "text/plain; charset=utf-8");
    }
}

static void test_echo(void **state)
{
    static char body[5000];
    static const char head[] = "POST /stub/echo?a=b HTTP/1.1\nHost: localhost\nX-Odd:  a, b\n\n";

    (void)state;
    memset(body, 'b', sizeof(body));
    body[0] = '\0'; /* bytes, not text */
    assert_int_equal(psv_request_body_append(&request_body, body, sizeof(body)), 0);
    send_request("/stub/echo?a=b");
    assert_int_equal(answer.len, strlen(head) + sizeof(body));
    assert_memory_equal(answer.text, head, strlen(head));
    assert_memory_equal(answer.text + strlen(head), body, sizeof(body));
}

static void test_bytes(void **state)
{
    (void)state;
    send_request("/stub/bytes");
    assert_int_equal(answer.len, 1024);
    send_request("/stub/bytes?n=0");
    assert_int_equal(answer.len, 0);
    send_request("/stub/bytes?x=3&n=100000&n=5");
    assert_int_equal(answer.len, 100000);
    expect_filler(answer.text, answer.len);
    send_request("/stub/bytes?n=1x"); /* no number: the default */
    assert_int_equal(answer.len, 1024);
}

static void test_stream(void **state)
{
    (void)state;
    send_request("/stub/stream?n=4&bytes=3&ms=1");
    assert_string_equal(answer.text, "part 0\nabcpart 1\nabcpart 2\nabcpart 3\nabc");
    assert_int_equal(answer.parts, 5);
    send_request("/stub/stream?n=0");
    assert_int_equal(answer.parts, 1);
    assert_string_equal(answer.text, "");
}

static void test_a_stream_without_a_client_ends(void **state)
{
    (void)state;
    start("/stub/stream?n=1000000000&ms=1");
    collect_until(PSV_PART_HEAD);
    psv_job_set_gone(job);
    collect_until(PSV_PART_RELEASE);
    assert_true((answer.flags & PSV_PART_FAILED) == 0);
}

static void test_status(void **state)
{
    (void)state;
    send_request("/stub/status?code=404");
    assert_int_equal(job->sink.status, 404);
    assert_string_equal(answer.text, "status\n");
    send_request("/stub/status?code=204");
    assert_int_equal(job->sink.status, 204);
    assert_string_equal(answer.text, "");
    send_request("/stub/status?code=99999999999"); /* impossible */
    assert_int_equal(answer.flags, PSV_PART_END | PSV_PART_FAILED | PSV_PART_RELEASE);
}

static void test_promise(void **state)
{
    (void)state;
    send_request("/stub/promise?length=5&n=5");
    assert_int_equal(answer.flags, WHOLE);
    assert_int_equal(job->sink.content_length, 5);
    assert_string_equal(answer.text, "abcde");
    send_request("/stub/promise?length=3&n=5");
    assert_string_equal(answer.text, "abc");
    send_request("/stub/promise?length=9&n=5&flush=1");
    assert_int_equal(answer.flags, WHOLE | PSV_PART_FAILED);
    assert_int_equal(answer.parts, 2);
    assert_string_equal(answer.text, "abcde");
}

static void test_sleep(void **state)
{
    (void)state;
    uint64_t began_ns = psv_clock_monotonic_ns();
    send_request("/stub/sleep?ms=30");
    assert_true(psv_clock_monotonic_ns() - began_ns >= 30 * PSV_NS_PER_MS);
    assert_string_equal(answer.text, "slept\n");
    send_request("/stub/sleep?ms=0");
    assert_string_equal(answer.text, "slept\n");
    start("/stub/sleep?ms=1000000");
    WAIT_UNTIL(atomic_load(&job->state) == PSV_JOB_RUNNING);
    psv_worker_pool_interrupt(pool, job);
    collect_until(PSV_PART_RELEASE);
    assert_string_equal(answer.text, "interrupted\n");
    send_request("/stub/sleep?ms=1"); /* the interrupt was the other job's */
    assert_string_equal(answer.text, "slept\n");
    start("/stub/stream?n=2&ms=1000000");
    WAIT_UNTIL(atomic_load(&job->state) == PSV_JOB_RUNNING);
    psv_worker_pool_interrupt(pool, job);
    collect_until(PSV_PART_RELEASE);
    assert_string_equal(answer.text, "part 0\n");
}

static void test_finish(void **state)
{
    (void)state;
    start("/stub/finish?ms=20");
    collect_until(PSV_PART_END);
    assert_int_equal(answer.flags, PSV_PART_HEAD | PSV_PART_END);
    assert_string_equal(answer.text, "finished\n");
    collect_until(PSV_PART_RELEASE);
}

static void test_fail(void **state)
{
    (void)state;
    send_request("/stub/fail");
    assert_int_equal(answer.flags, PSV_PART_END | PSV_PART_FAILED | PSV_PART_RELEASE);
    assert_string_equal(answer.text, "");
    send_request("/stub/fail?n=5");
    assert_int_equal(answer.flags, WHOLE | PSV_PART_FAILED);
    assert_string_equal(answer.text, "abcde");
}

static void test_break(void **state)
{
    (void)state;
    send_request("/stub/break");
    assert_int_equal(answer.flags, PSV_PART_END | PSV_PART_FAILED | PSV_PART_RELEASE);
    send_request("/"); /* the replacement */
    assert_string_equal(answer.text, "ok\n");
}

static void test_facts(void **state)
{
    struct psv_executor_fact fact;

    (void)state;
    assert_int_equal(psv_executor_stub.facts(&fact, 1), 0);
}

static int start_thread(void *context)
{
    void *runtime = NULL;
    struct psv_error error;

    (void)context;
    int code = psv_executor_stub.thread_start(NULL, &runtime, &error);
    if (code == PSV_OK) {
        psv_executor_stub.thread_stop(runtime);
    }
    return code;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    assert_int_equal(fail_each_allocation(start_thread, NULL), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_other_paths_answer_ok),
        TEST(test_echo),
        TEST(test_bytes),
        TEST(test_stream),
        TEST(test_a_stream_without_a_client_ends),
        TEST(test_status),
        TEST(test_promise),
        TEST(test_sleep),
        TEST(test_finish),
        TEST(test_fail),
        TEST(test_break),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_out_of_memory),
    };
    int failed = cmocka_run_group_tests_name("executor_stub", tests, NULL, NULL);
    free(answer.text);
    return failed;
}
