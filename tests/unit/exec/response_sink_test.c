/* The sink's states in all orders, promised lengths, failures, clients that leave, places of the body.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/response_sink.h"

#include <fcntl.h>

#include "exec_test.h"

#include "base/error.h"
#include "base/memory.h"

static struct job_fixture fixture;

static int setup(void **state)
{
    (void)state;
    job_fixture_init(&fixture);
    return 0;
}

static int teardown(void **state)
{
    job_fixture_fini(&fixture);
    return table_report_row(state);
}

static void respond(unsigned status)
{
    assert_int_equal(psv_job_respond(fixture.job, status, NULL, 0), 0);
}

static void respond_promising(unsigned status, const char *length)
{
    const struct psv_field field = {.name = PSV_BYTES("content-length"), .value = psv_bytes_of(length)};

    assert_int_equal(psv_job_respond(fixture.job, status, &field, 1), 0);
}

static void write_text(const char *text)
{
    assert_int_equal(psv_job_write(fixture.job, text, strlen(text)), 0);
}

static void flush(void)
{
    assert_int_equal(psv_job_flush(fixture.job), 0);
}

static void release(void)
{
    psv_sink_release(&fixture.job->sink);
}

/* ---- orders */

static void test_a_usual_response_is_one_part_and_allocates_nothing(void **state)
{
    (void)state;
    const struct psv_field field = {.name = PSV_BYTES("Content-Type"), .value = PSV_BYTES("text/plain")};
    uint64_t before = psv_memory_allocation_count();

    assert_int_equal(psv_job_respond(fixture.job, 201, &field, 1), 0);
    write_text("hello ");
    write_text("world");
    release();
    assert_true(psv_memory_allocation_count() == before);
    assert_int_equal(fixture.job->sink.status, 201);
    assert_true(fixture.job->sink.written_bytes == 11);
    expect_part(&fixture, HEAD | END | RELEASE, "hello world");
}

static void test_nothing_at_all_is_an_empty_200(void **state)
{
    (void)state;
    release();
    assert_int_equal(fixture.job->sink.status, 200);
    assert_int_equal(fixture.job->sink.fields_len, 0);
    expect_part(&fixture, HEAD | END | RELEASE, "");
}

static void test_a_body_may_come_before_the_head(void **state)
{
    (void)state;
    write_text("early");
    assert_false(psv_job_has_responded(fixture.job));
    respond(404);
    assert_true(psv_job_has_responded(fixture.job));
    release();
    assert_int_equal(fixture.job->sink.status, 404);
    expect_part(&fixture, HEAD | END | RELEASE, "early");
}

static void test_finished_early(void **state)
{
    (void)state;
    respond(200);
    write_text("body");
    psv_job_finish(fixture.job);
    psv_job_finish(fixture.job);
    psv_job_fail(fixture.job); /* too late */
    write_text("ignored");
    flush();
    assert_int_equal(psv_job_respond(fixture.job, 500, NULL, 0), PSV_EEXIST);
    expect_part(&fixture, HEAD | END, "body");
    assert_true(fixture.job->sink.written_bytes == 4);
    release();
    expect_part(&fixture, RELEASE, "");
}

static void test_finished_early_without_head(void **state)
{
    (void)state;
    psv_job_finish(fixture.job);
    assert_int_equal(psv_job_respond(fixture.job, 500, NULL, 0), PSV_EEXIST);
    release();
    expect_part(&fixture, HEAD | END, "");
    expect_part(&fixture, RELEASE, "");
}

static void test_streamed(void **state)
{
    (void)state;
    respond(200);
    flush();
    flush(); /* nothing new: nothing is posted */
    expect_part(&fixture, HEAD, "");
    write_text("one");
    flush();
    write_text("two");
    write_text("three");
    flush();
    write_text("four");
    release();
    expect_part(&fixture, 0, "one");
    expect_part(&fixture, 0, "twothree");
    expect_part(&fixture, END | RELEASE, "four");
}

static void test_streamed_with_nothing_after_the_last_flush(void **state)
{
    (void)state;
    respond(200);
    write_text("one");
    flush();
    psv_job_finish(fixture.job);
    release();
    expect_part(&fixture, HEAD, "one");
    expect_part(&fixture, END, "");
    expect_part(&fixture, RELEASE, "");
}

static void test_a_stream_that_is_over_and_released_at_once(void **state)
{
    (void)state;
    respond(200);
    write_text("one");
    flush();
    release();
    expect_part(&fixture, HEAD, "one");
    expect_part(&fixture, END | RELEASE, "");
}

static void test_a_job_that_never_ran(void **state)
{
    (void)state;
    psv_sink_release_unused(&fixture.job->sink);
    expect_part(&fixture, RELEASE, "");
}

static void test_a_flush_needs_a_head(void **state)
{
    (void)state;
    write_text("x");
    assert_int_equal(psv_job_flush(fixture.job), PSV_EINVAL);
    release();
    expect_part(&fixture, HEAD | END | RELEASE, "x");
}

/* ---- the head */

static void test_fields_are_copied(void **state)
{
    char name[] = "X-Thing";
    char value[] = "some value";
    char type[] = "text/html";
    const struct psv_field fields[] = {
        {.name = {name, strlen(name)}, .value = {value, strlen(value)}, .id = PSV_FIELD_HOST /* a lie */},
        {.name = PSV_BYTES("content-length"), .value = PSV_BYTES("5")},
        {.name = PSV_BYTES("CONTENT-TYPE"), .value = {type, strlen(type)}},
        {.name = PSV_BYTES("X-Empty"), .value = {NULL, 0}},
    };
    const struct psv_response_sink *sink = &fixture.job->sink;

    (void)state;
    assert_int_equal(psv_job_respond(fixture.job, 200, fields, ARRAY_SIZE(fields)), 0);
    memset(name, '#', sizeof(name));
    memset(value, '#', sizeof(value));
    memset(type, '#', sizeof(type));
    assert_int_equal(sink->fields_len, 3); /* without the length */
    assert_bytes_equal(sink->fields[0].name, "X-Thing");
    assert_bytes_equal(sink->fields[0].value, "some value");
    assert_int_equal(sink->fields[0].id, PSV_FIELD_UNKNOWN);
    assert_bytes_equal(sink->fields[1].name, "CONTENT-TYPE");
    assert_bytes_equal(sink->fields[1].value, "text/html");
    assert_int_equal(sink->fields[1].id, PSV_FIELD_CONTENT_TYPE);
    assert_bytes_equal(sink->fields[2].name, "X-Empty");
    assert_int_equal(sink->fields[2].value.len, 0);
    assert_int_equal(sink->content_length, 5);
    assert_int_equal(psv_job_respond(fixture.job, 500, NULL, 0), PSV_EEXIST);
    assert_int_equal(sink->status, 200);
    write_text("12345");
    release();
    expect_part(&fixture, HEAD | END | RELEASE, "12345");
}

static void test_impossible_statuses(void **state)
{
    (void)state;
    assert_int_equal(psv_job_respond(fixture.job, 0, NULL, 0), PSV_EINVAL);
    assert_int_equal(psv_job_respond(fixture.job, 103, NULL, 0), PSV_EINVAL);
    assert_int_equal(psv_job_respond(fixture.job, 1000, NULL, 0), PSV_EINVAL);
    assert_false(psv_job_has_responded(fixture.job));
    respond(999);
    release();
    expect_part(&fixture, HEAD | END | RELEASE, "");
}

static void test_no_memory_for_fields(void **state)
{
    static char large[100];
    const struct psv_field field = {.name = PSV_BYTES("X"), .value = {large, sizeof(large)}};

    (void)state;
    fixture.arena.max_bytes = fixture.arena.used_bytes; /* no new block */
    while (psv_arena_alloc(&fixture.arena, 64) != NULL) {
    }
    assert_int_equal(psv_job_respond(fixture.job, 200, &field, 1), PSV_ENOMEM);
    assert_false(psv_job_has_responded(fixture.job));
    psv_job_fail(fixture.job);
    release();
    expect_part(&fixture, END | FAILED, "");
    expect_part(&fixture, RELEASE, "");
}

static void test_what_is_a_promise(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *first;
        const char *second;
        int64_t expected;
    } cases[] = {
        {ROW("zero"), "0", NULL, 0},
        {ROW("with blanks"), " 12\t", NULL, 12},
        {ROW("the largest"), "9223372036854775807", NULL, INT64_MAX},
        {ROW("too large"), "9223372036854775808", NULL, -1},
        {ROW("no number"), "12a", NULL, -1},
        {ROW("signed"), "-1", NULL, -1},
        {ROW("nothing"), "", NULL, -1},
        {ROW("twice the same"), "7", "7", 7},
        {ROW("twice, differing"), "7", "8", -1},
        {ROW("twice, first is nonsense"), "x", "8", -1},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        const struct psv_field fields[] = {
            {.name = PSV_BYTES("Content-Length"), .value = psv_bytes_of(row->first)},
            {.name = PSV_BYTES("Content-Length"), .value = psv_bytes_of(row->second)},
        };
        job_fixture_queue(&fixture);
        assert_int_equal(psv_job_respond(fixture.job, 200, fields, row->second != NULL ? 2 : 1), 0);
        assert_true(fixture.job->sink.content_length == row->expected);
        assert_int_equal(fixture.job->sink.fields_len, 0);
    }
}

/* ---- promised lengths */

static void test_promises(void **state)
{
    enum order { WRITE_ALL, WRITE_FIRST, FLUSH_HEAD, FLUSH_BETWEEN };
    static const struct {
        TABLE_ROW;
        enum order order;
        bool is_head;
        unsigned status;
        const char *promise;
        const char *parts[3]; /* expected bodies */
        unsigned flags[3];
    } cases[] = {
        /* written: "hello" " " "world", 11 bytes */
        {ROW("kept"), WRITE_ALL, false, 200, "11", {"hello world"}, {HEAD | END | RELEASE}},
        {ROW("none"), WRITE_ALL, false, 200, NULL, {"hello world"}, {HEAD | END | RELEASE}},
        {ROW("shorter"), WRITE_ALL, false, 200, "7", {"hello w"}, {HEAD | END | RELEASE}},
        {ROW("zero"), WRITE_ALL, false, 200, "0", {""}, {HEAD | END | RELEASE}},
        {ROW("longer"), WRITE_ALL, false, 200, "12", {"hello world"}, {HEAD | END | RELEASE | FAILED}},
        {ROW("made after writing, shorter"),
         WRITE_FIRST,
         false,
         200,
         "7",
         {"hello w"},
         {HEAD | END | RELEASE}},
        {ROW("made after writing, longer"),
         WRITE_FIRST,
         false,
         200,
         "12",
         {"hello world"},
         {HEAD | END | RELEASE | FAILED}},
        {ROW("streamed, kept"), FLUSH_HEAD, false, 200, "11", {"", "hello world"}, {HEAD, END | RELEASE}},
        {ROW("streamed, shorter"), FLUSH_BETWEEN, false, 200, "7", {"hello", " w"}, {HEAD, END | RELEASE}},
        {ROW("streamed, cut before"), FLUSH_BETWEEN, false, 200, "3", {"hel", ""}, {HEAD, END | RELEASE}},
        {ROW("streamed, longer"),
         FLUSH_BETWEEN,
         false,
         200,
         "12",
         {"hello", " world"},
         {HEAD, END | RELEASE | FAILED}},
        {ROW("HEAD with a promise"), WRITE_ALL, true, 200, "5000", {""}, {HEAD | END | RELEASE}},
        {ROW("HEAD without"), WRITE_FIRST, true, 200, NULL, {""}, {HEAD | END | RELEASE}},
        {ROW("HEAD, streamed"), FLUSH_BETWEEN, true, 200, "5000", {"", ""}, {HEAD, END | RELEASE}},
        {ROW("204 with a body"), WRITE_ALL, false, 204, NULL, {""}, {HEAD | END | RELEASE}},
        {ROW("304 with a promise"), WRITE_ALL, false, 304, "5000", {""}, {HEAD | END | RELEASE}},
        {ROW("304 after writing"), WRITE_FIRST, false, 304, NULL, {""}, {HEAD | END | RELEASE}},
        {ROW("304 streamed"), FLUSH_BETWEEN, false, 304, "1", {"", ""}, {HEAD, END | RELEASE}},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        fixture.message.is_head = row->is_head;
        job_fixture_queue(&fixture);
        if (row->order == WRITE_FIRST) {
            write_text("hello world");
        }
        if (row->promise != NULL) {
            respond_promising(row->status, row->promise);
        } else {
            respond(row->status);
        }
        if (row->order == FLUSH_HEAD) {
            flush();
        }
        if (row->order != WRITE_FIRST) {
            write_text("hello");
            if (row->order == FLUSH_BETWEEN) {
                flush();
            }
            write_text(" ");
            write_text("world");
        }
        release();
        assert_true(fixture.job->sink.written_bytes == 11);
        for (unsigned i = 0; i < 3 && row->parts[i] != NULL; i++) {
            expect_part(&fixture, row->flags[i], row->parts[i]);
        }
    }
}

/* ---- failures */

static void test_failed_before_anything_was_posted(void **state)
{
    (void)state;
    respond(200);
    write_text("half");
    psv_job_fail(fixture.job);
    release();
    expect_part(&fixture, END | FAILED, ""); /* no head: the server answers */
    expect_part(&fixture, RELEASE, "");
}

static void test_failed_in_the_middle(void **state)
{
    (void)state;
    respond(200);
    write_text("half");
    flush();
    psv_job_fail(fixture.job);
    release();
    expect_part(&fixture, HEAD, "half");
    expect_part(&fixture, END | FAILED, "");
    expect_part(&fixture, RELEASE, "");
}

static void test_a_lost_write_fails_the_response(void **state)
{
    static char large[FIXTURE_MEMORY_MAX];

    (void)state;
    respond(200);
    psv_memory_fail_after(1);
    assert_int_equal(psv_job_write(fixture.job, large, sizeof(large)), PSV_ENOMEM);
    psv_memory_fail_after(0);
    assert_int_equal(psv_job_write(fixture.job, "x", 1), PSV_ENOMEM); /* no hole in the middle */
    assert_int_equal(psv_job_flush(fixture.job), PSV_ENOMEM);
    release();
    expect_part(&fixture, END | FAILED | RELEASE, "");
}

/* The memory file's buffer can only be lost when it is written out at last: on a full disk. */
static void fill_the_disk(void)
{
    static char large[FIXTURE_MEMORY_MAX + 1];
    struct psv_response_body *body = &fixture.job->sink.current->body;

    assert_int_equal(psv_job_write(fixture.job, large, sizeof(large)), 0);
    assert_true(body->fd >= 0);
    assert_int_equal(close(body->fd), 0);
    body->fd = open("/dev/full", O_RDWR | O_CLOEXEC);
    assert_true(body->fd >= 0);
}

static void test_a_full_disk_at_finish(void **state)
{
    (void)state;
    fill_the_disk();
    respond(200);
    release();
    expect_part(&fixture, END | FAILED | RELEASE, "");
}

static void test_a_full_disk_at_flush(void **state)
{
    (void)state;
    fill_the_disk();
    respond(200);
    assert_int_equal(psv_job_flush(fixture.job), PSV_EIO);
    assert_int_equal(psv_job_flush(fixture.job), PSV_EIO);
    release();
    expect_part(&fixture, END | FAILED | RELEASE, "");
}

/* ---- the client is gone */

static void test_gone_at_each_stage(void **state)
{
    enum stage { START, AFTER_HEAD, AFTER_WRITE, AFTER_FLUSH, AFTER_WRITE_2, AFTER_FINISH, STAGE_COUNT };

    (void)state;
    for (unsigned stage = START; stage < STAGE_COUNT; stage++) {
        struct psv_response_sink *sink;
        job_fixture_queue(&fixture);
        sink = &fixture.job->sink;
        bool is_gone = stage == START;
        if (is_gone) {
            psv_job_set_gone(fixture.job);
        }
        assert_int_equal(psv_sink_respond(sink, 200, NULL, 0), 0); /* still the script's own business */
        if (stage == AFTER_HEAD) {
            psv_job_set_gone(fixture.job);
            is_gone = true;
        }
        assert_int_equal(psv_sink_write(sink, "one", 3), is_gone ? PSV_EGONE : 0);
        if (stage == AFTER_WRITE) {
            psv_job_set_gone(fixture.job);
            is_gone = true;
        }
        assert_int_equal(psv_sink_flush(sink), is_gone ? PSV_EGONE : 0);
        if (stage == AFTER_FLUSH) {
            psv_job_set_gone(fixture.job);
            is_gone = true;
        }
        assert_int_equal(psv_sink_write(sink, "two", 3), is_gone ? PSV_EGONE : 0);
        if (stage == AFTER_WRITE_2) {
            psv_job_set_gone(fixture.job);
        }
        psv_sink_finish(sink, false);
        if (stage == AFTER_FINISH) {
            psv_job_set_gone(fixture.job);
        }
        assert_int_equal(psv_sink_write(sink, "three", 5), 0);
        assert_int_equal(psv_sink_flush(sink), 0);
        psv_sink_release(sink);
        if (stage >= AFTER_FLUSH) {
            expect_part(&fixture, HEAD, "one");
            expect_part(&fixture, END, stage == AFTER_FINISH ? "two" : "");
        } else {
            expect_part(&fixture, HEAD | END, "");
        }
        expect_part(&fixture, RELEASE, "");
    }
}

/* ---- places of the body */

static void test_large_bodies(void **state)
{
    static const struct {
        TABLE_ROW;
        size_t len;
        bool is_file;
    } cases[] = {
        {ROW("inline"), 4000, false},
        {ROW("heap"), 10000, false},
        {ROW("heap, full"), FIXTURE_MEMORY_MAX, false},
        {ROW("file"), FIXTURE_MEMORY_MAX + 1, true},
        {ROW("large file"), 1000000, true},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        char *expected = malloc(row->len + 1);
        assert_non_null(expected);
        for (size_t i = 0; i < row->len; i++) {
            expected[i] = (char)('a' + i % 23);
        }
        expected[row->len] = '\0';
        for (unsigned streamed = 0; streamed < 2; streamed++) {
            job_fixture_queue(&fixture);
            if (streamed) {
                respond(200);
                flush();
                expect_part(&fixture, HEAD, "");
                fixture.job->sink.posted_bytes = FIXTURE_WINDOW + 1; /* a client that takes nothing */
                fixture.job->sink.patience_ns = 0;
            }
            for (size_t i = 0; i < row->len; i += 1000) {
                assert_int_equal(psv_job_write(fixture.job, expected + i, MIN(1000, row->len - i)), 0);
            }
            assert_true((fixture.job->sink.current->body.fd >= 0) == row->is_file);
            if (!streamed) {
                respond(200);
            }
            release();
            expect_part(&fixture, (streamed ? 0 : HEAD) | END | RELEASE, expected);
        }
        free(expected);
    }
}

static void test_an_exhausted_arena_is_no_obstacle(void **state)
{
    (void)state;
    fixture.arena.max_bytes = fixture.arena.used_bytes; /* no new block */
    while (psv_arena_alloc(&fixture.arena, 64) != NULL) {
    }
    respond(200);
    write_text("body");
    release();
    expect_part(&fixture, HEAD | END | RELEASE, "body");
}

static void test_inline_memory_leaves_room_for_the_head(void **state)
{
    const struct psv_field field = {.name = PSV_BYTES("Content-Type"), .value = PSV_BYTES("text/plain")};

    (void)state;
    write_text("a little");
    uint64_t before = psv_memory_allocation_count();
    assert_int_equal(psv_job_respond(fixture.job, 200, &field, 1), 0);
    assert_true(psv_memory_allocation_count() == before);
    release();
    expect_part(&fixture, HEAD | END | RELEASE, "a little");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_usual_response_is_one_part_and_allocates_nothing),
        TEST(test_nothing_at_all_is_an_empty_200),
        TEST(test_a_body_may_come_before_the_head),
        TEST(test_finished_early),
        TEST(test_finished_early_without_head),
        TEST(test_streamed),
        TEST(test_streamed_with_nothing_after_the_last_flush),
        TEST(test_a_stream_that_is_over_and_released_at_once),
        TEST(test_a_job_that_never_ran),
        TEST(test_a_flush_needs_a_head),
        TEST(test_fields_are_copied),
        TEST(test_impossible_statuses),
        TEST(test_no_memory_for_fields),
        TEST(test_what_is_a_promise),
        TEST(test_promises),
        TEST(test_failed_before_anything_was_posted),
        TEST(test_failed_in_the_middle),
        TEST(test_a_lost_write_fails_the_response),
        TEST(test_a_full_disk_at_finish),
        TEST(test_a_full_disk_at_flush),
        TEST(test_gone_at_each_stage),
        TEST(test_large_bodies),
        TEST(test_an_exhausted_arena_is_no_obstacle),
        TEST(test_inline_memory_leaves_room_for_the_head),
    };
    return cmocka_run_group_tests_name("response_sink", tests, NULL, NULL);
}
