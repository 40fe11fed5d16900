/* What is put into a page on its way, together with everything else that happens to it: lengths, tags,
 * flushes, compression, HEAD; and a response that is thrown away for another one.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/response_sink.h"

#include "exec_test.h"

#include "base/error.h"
#include "exec/body_injection.h"

static struct job_fixture fixture;
static uint64_t told_len;
static bool is_taken = true;

/* ---- an injection that puts "<" before a body and ">" behind it, and a coding that doubles bytes */

static bool is_begun;

static int surround(struct psv_body_encoder *encoder, const void *data, size_t len,
                    struct psv_response_body *out)
{
    (void)encoder;
    int code = is_begun ? 0 : psv_response_body_append(out, "<", 1);
    is_begun = true;
    return code == 0 ? psv_response_body_append(out, data, len) : code;
}

static int surround_end(struct psv_body_encoder *encoder, enum psv_body_end end,
                        struct psv_response_body *out)
{
    (void)encoder;
    return end == PSV_BODY_FINISH ? psv_response_body_append(out, ">", 1) : 0;
}

static bool takes(const struct psv_body_injection *injection, struct psv_bytes target, unsigned status,
                  const struct psv_field *fields, unsigned fields_len, uint64_t len)
{
    (void)injection;
    (void)target;
    (void)status;
    (void)fields;
    (void)fields_len;
    told_len = len;
    return is_taken;
}

static struct psv_body_encoder surrounder = {.encode = surround, .end = surround_end};

static struct psv_body_encoder *begin_injection(const struct psv_body_injection *injection)
{
    (void)injection;
    is_begun = false;
    return &surrounder;
}

static const struct psv_body_injection injection = {.takes = takes, .begin = begin_injection};

static int double_bytes(struct psv_body_encoder *encoder, const void *data, size_t len,
                        struct psv_response_body *out)
{
    int code = 0;
    (void)encoder;
    for (size_t i = 0; i < len && code == 0; i++) {
        const char twice[] = {((const char *)data)[i], ((const char *)data)[i]};
        code = psv_response_body_append(out, twice, 2);
    }
    return code;
}

static int double_end(struct psv_body_encoder *encoder, enum psv_body_end end, struct psv_response_body *out)
{
    (void)encoder;
    (void)end;
    (void)out;
    return 0;
}

static struct psv_body_encoder doubler = {.encode = double_bytes, .end = double_end};
static uint64_t pledged_len;

static struct psv_body_encoder *begin_coding(const struct psv_body_filter *filter, uint64_t len)
{
    (void)filter;
    pledged_len = len;
    return &doubler;
}

static bool takes_type(const struct psv_body_filter *filter, struct psv_bytes type)
{
    (void)filter;
    (void)type;
    return true;
}

static const struct psv_body_filter coding = {
    .coding = PSV_BYTES_INIT("double"), .takes_type = takes_type, .begin = begin_coding};

/* ---- */

static int setup(void **state)
{
    (void)state;
    job_fixture_init(&fixture);
    fixture.job->sink.injection = &injection;
    is_taken = true;
    return 0;
}

static int teardown(void **state)
{
    job_fixture_fini(&fixture);
    return table_report_row(state);
}

static void respond(const char *name, const char *value)
{
    const struct psv_field field = {.name = psv_bytes_of(name), .value = psv_bytes_of(value)};
    assert_int_equal(psv_job_respond(fixture.job, 200, &field, 1), 0);
}

static void write_text(const char *text)
{
    assert_int_equal(psv_job_write(fixture.job, text, strlen(text)), 0);
}

static void test_a_complete_page(void **state)
{
    (void)state;
    respond("ETag", "\"a\"");
    write_text("body");
    psv_sink_release(&fixture.job->sink);
    assert_true(told_len == 4);
    assert_bytes_equal(fixture.job->sink.fields[0].value, "W/\"a\"");
    expect_part(&fixture, HEAD | END | RELEASE, "<body>");
}

static void test_a_promise_that_was_kept(void **state)
{
    (void)state;
    respond("Content-Length", "4");
    write_text("body and more");
    psv_sink_release(&fixture.job->sink);
    assert_true(fixture.job->sink.content_length < 0);
    expect_part(&fixture, HEAD | END | RELEASE, "<body>");
}

static void test_a_promise_of_a_stream_is_left_alone(void **state)
{
    (void)state;
    respond("Content-Length", "4");
    write_text("bo");
    assert_int_equal(psv_job_flush(fixture.job), 0);
    expect_part(&fixture, HEAD, "bo");
    write_text("dy");
    psv_sink_release(&fixture.job->sink);
    expect_part(&fixture, END | RELEASE, "dy");
}

static void test_a_stream(void **state)
{
    (void)state;
    respond("X", "y");
    write_text("bo");
    assert_int_equal(psv_job_flush(fixture.job), 0);
    assert_true(told_len == 0);
    expect_part(&fixture, HEAD, "<bo");
    write_text("dy");
    psv_sink_release(&fixture.job->sink);
    expect_part(&fixture, END | RELEASE, "dy>");
}

static void test_a_stream_that_was_sent_before_its_end(void **state)
{
    (void)state;
    respond("X", "y");
    write_text("body");
    assert_int_equal(psv_job_flush(fixture.job), 0);
    expect_part(&fixture, HEAD, "<body");
    psv_sink_release(&fixture.job->sink);
    expect_part(&fixture, END | RELEASE, ">");
}

/* The loop reads it when it starts the response, while the script goes on. */
static void write_much(unsigned count)
{
    static char block[FIXTURE_MEMORY_MAX];

    memset(block, 'x', sizeof(block));
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(psv_job_write(fixture.job, block, sizeof(block)), 0);
    }
}

static uint64_t take_parts(unsigned *parts, unsigned *first_flags)
{
    struct psv_response_part *part;
    uint64_t len = 0;

    *parts = 0;
    while ((part = psv_mailbox_take(&fixture.mailbox)) != NULL) {
        *first_flags = (*parts)++ == 0 ? part->flags : *first_flags;
        struct psv_body_piece *piece = psv_part_piece(part);
        len += piece->len;
        piece->release(piece);
    }
    return len;
}

static void test_what_outgrows_its_memory(void **state)
{
    unsigned parts;
    unsigned flags = 0;

    (void)state;
    fixture.job->sink.filter = &coding;
    respond("Content-Type", "text/html");
    write_much(3);
    psv_sink_release(&fixture.job->sink);
    /* "<" and ">" and each byte are doubled, too */
    assert_true(take_parts(&parts, &flags) == (3 * FIXTURE_MEMORY_MAX + 2) * 2);
    assert_true(parts > 1);
    assert_int_equal(flags, HEAD);
    assert_true(fixture.job->sink.is_encoded);
}

/* Sent before its end it would have to stay as it is. */
static void test_a_promise_waits_for_the_end_where_that_changes_the_body(void **state)
{
    unsigned parts;
    unsigned flags = 0;

    (void)state;
    fixture.job->sink.injection = NULL;
    fixture.job->sink.filter = &coding;
    respond("Content-Length", "49152");
    write_much(3);
    assert_null(psv_mailbox_take(&fixture.mailbox));
    psv_sink_release(&fixture.job->sink);
    assert_true(take_parts(&parts, &flags) == (uint64_t)3 * FIXTURE_MEMORY_MAX * 2);
    assert_int_equal(parts, 1);
    assert_int_equal(flags, HEAD | END | RELEASE);
    assert_int_equal(fixture.job->sink.content_length, -1);
}

static void test_the_length_is_not_written_once_the_head_is_posted(void **state)
{
    const int64_t as_the_loop_sees_it = -2;
    (void)state;
    fixture.job->sink.filter = &coding;
    respond("Content-Type", "text/html");
    write_text("a");
    assert_int_equal(psv_job_flush(fixture.job), 0);
    expect_part(&fixture, HEAD, "<<aa");
    fixture.job->sink.content_length = as_the_loop_sees_it;
    write_text("b");
    assert_int_equal(psv_job_flush(fixture.job), 0);
    expect_part(&fixture, 0, "bb");
    write_text("c");
    psv_sink_release(&fixture.job->sink);
    expect_part(&fixture, END | RELEASE, "cc>>");
    assert_true(fixture.job->sink.content_length == as_the_loop_sees_it);
}

static void test_what_is_not_taken(void **state)
{
    (void)state;
    is_taken = false;
    respond("ETag", "\"a\"");
    write_text("body");
    psv_sink_release(&fixture.job->sink);
    assert_bytes_equal(fixture.job->sink.fields[0].value, "\"a\"");
    expect_part(&fixture, HEAD | END | RELEASE, "body");
}

static void test_compressed_afterwards_without_a_wrong_length(void **state)
{
    (void)state;
    fixture.job->sink.filter = &coding;
    respond("Content-Type", "text/html");
    write_text("ab");
    psv_sink_release(&fixture.job->sink);
    assert_true(pledged_len == 0); /* zstd refuses a body of another length than it was told */
    expect_part(&fixture, HEAD | END | RELEASE, "<<aabb>>");
}

static void test_head_tells_no_length(void **state)
{
    (void)state;
    fixture.job->message.is_head = true;
    respond("Content-Type", "text/html");
    write_text("body");
    psv_sink_release(&fixture.job->sink);
    assert_true(fixture.job->sink.is_encoded); /* of which only the encoder knows the length */
    expect_part(&fixture, HEAD | END | RELEASE, "");
}

static void test_another_response_in_place_of_one(void **state)
{
    (void)state;
    respond("Content-Length", "1000");
    write_text("the first one");
    assert_int_equal(psv_job_discard(fixture.job), 0);
    assert_false(psv_job_has_responded(fixture.job));
    respond("X", "y");
    write_text("other");
    psv_sink_release(&fixture.job->sink);
    assert_int_equal(fixture.job->sink.fields_len, 1);
    assert_true(fixture.job->sink.written_bytes == 5);
    expect_part(&fixture, HEAD | END | RELEASE, "<other>");
}

static void test_what_was_sent_cannot_be_taken_back(void **state)
{
    (void)state;
    respond("X", "y");
    write_text("a");
    assert_int_equal(psv_job_flush(fixture.job), 0);
    assert_int_equal(psv_job_discard(fixture.job), PSV_EEXIST);
    expect_part(&fixture, HEAD, "<a");
    psv_job_finish(fixture.job);
    assert_int_equal(psv_job_discard(fixture.job), PSV_EEXIST);
    expect_part(&fixture, END, ">");
    psv_sink_release(&fixture.job->sink);
    expect_part(&fixture, RELEASE, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_complete_page),
        TEST(test_a_promise_that_was_kept),
        TEST(test_a_promise_of_a_stream_is_left_alone),
        TEST(test_a_stream),
        TEST(test_a_stream_that_was_sent_before_its_end),
        TEST(test_what_outgrows_its_memory),
        TEST(test_a_promise_waits_for_the_end_where_that_changes_the_body),
        TEST(test_the_length_is_not_written_once_the_head_is_posted),
        TEST(test_what_is_not_taken),
        TEST(test_compressed_afterwards_without_a_wrong_length),
        TEST(test_head_tells_no_length),
        TEST(test_another_response_in_place_of_one),
        TEST(test_what_was_sent_cannot_be_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
