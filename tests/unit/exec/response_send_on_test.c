/* Responses that outgrow their memory: who gets them while they are written, who later, and that nothing of
 * them is lost or twice.
 *
 * SPDX-License-Identifier: MIT */
#include "exec/response_sink.h"

#include <pthread.h>

#include "exec_test.h"

#include "base/error.h"
#include "base/memory.h"
#include "exec/response_memory.h"
#include "temp_folder.h"

#define BODY_BYTES ((size_t)1000000)

static struct job_fixture fixture;
static char body[BODY_BYTES + 1];

static int setup(void **state)
{
    (void)state;
    job_fixture_init(&fixture);
    for (size_t i = 0; i < BODY_BYTES; i++) {
        body[i] = (char)('a' + (i * 31 + i / 977) % 23);
    }
    return 0;
}

static int teardown(void **state)
{
    job_fixture_fini(&fixture);
    return table_report_row(state);
}

static void respond(const char *length)
{
    const struct psv_field field = {.name = PSV_BYTES("Content-Length"), .value = psv_bytes_of(length)};

    assert_int_equal(psv_job_respond(fixture.job, 200, &field, length[0] != '\0'), 0);
}

/* The loop's side: what has come, and in what. */
struct client {
    size_t len;
    unsigned parts;
    unsigned files;
    size_t largest;
    unsigned flags; /* of the last part */
};

/* False: there is no part. */
static bool take_part(struct client *client)
{
    struct psv_response_part *part = psv_mailbox_take(&fixture.mailbox);

    if (part == NULL) {
        return false;
    }
    client->flags = part->flags;
    struct psv_body_piece *piece = psv_part_piece(part);
    assert_true(((client->flags & HEAD) != 0) == (client->parts == 0));
    client->parts++;
    client->files += piece->fd >= 0;
    client->largest = MAX(client->largest, (size_t)piece->len);
    char *text = piece_text(piece);
    assert_true(client->len + piece->len <= BODY_BYTES);
    assert_memory_equal(text, body + client->len, piece->len);
    free(text);
    client->len += piece->len;
    piece->release(piece);
    return true;
}

static void take_all(struct client *client)
{
    while (take_part(client)) {
    }
}

static void write_range(size_t from, size_t to)
{
    assert_int_equal(psv_job_write(fixture.job, body + from, to - from), 0);
}

/* What was put by for a client that takes nothing, after the first part. */
static void fall_behind(size_t len)
{
    respond("");
    write_range(0, FIXTURE_MEMORY_MAX + 1);
    write_range(FIXTURE_MEMORY_MAX + 1, len);
}

static void end(struct client *client)
{
    psv_sink_release(&fixture.job->sink);
    take_all(client);
    assert_true(client->len == BODY_BYTES);
    assert_int_equal(client->flags, END | RELEASE);
}

/* To one that takes everything at once. */
static void write_to(struct client *client, size_t from, size_t to, size_t step)
{
    for (size_t i = from; i < to; i += step) {
        size_t had = client->len;
        write_range(i, MIN(i + step, to));
        take_all(client);
        psv_sink_credit(&fixture.job->sink, client->len - had);
    }
}

static void test_who_keeps_up_gets_it_as_it_is_written(void **state)
{
    static const struct {
        TABLE_ROW;
        size_t step;
    } cases[] = {
        {ROW("small writes"), 100},
        {ROW("a part at a time"), FIXTURE_MEMORY_MAX},
        {ROW("a byte more"), FIXTURE_MEMORY_MAX + 1},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        struct client client = {0};
        job_fixture_queue(&fixture);
        respond("");
        write_to(&client, 0, BODY_BYTES, row->step);
        end(&client);
        assert_int_equal(client.files, 0);
        assert_true(client.largest <= FIXTURE_MEMORY_MAX);
        assert_true(client.parts >= BODY_BYTES / FIXTURE_MEMORY_MAX);
    }
}

static void test_what_fits_is_complete(void **state)
{
    (void)state;
    respond("");
    write_range(0, FIXTURE_MEMORY_MAX);
    assert_null(psv_mailbox_take(&fixture.mailbox));
    psv_sink_release(&fixture.job->sink);
    struct client client = {0};
    take_all(&client);
    assert_int_equal(client.flags, HEAD | END | RELEASE);
    assert_int_equal(client.len, FIXTURE_MEMORY_MAX);
}

static void *take_slowly(void *context)
{
    struct client *client = context;
    uint64_t until_ns = psv_clock_monotonic_ns() + TEST_PATIENCE_NS;

    while ((client->flags & RELEASE) == 0) {
        size_t had = client->len;
        if (take_part(client)) {
            psv_sink_credit(&fixture.job->sink, client->len - had);
        }
        assert_true(psv_clock_monotonic_ns() < until_ns);
        sched_yield();
    }
    return NULL;
}

static void test_one_write_and_a_client_at_the_same_time(void **state)
{
    struct client client = {0};
    pthread_t thread;

    (void)state;
    respond("");
    assert_int_equal(pthread_create(&thread, NULL, take_slowly, &client), 0);
    write_range(0, BODY_BYTES);
    psv_sink_release(&fixture.job->sink);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(client.len == BODY_BYTES);
    assert_true(client.parts > 1);
}

static void test_nobody_waits_for_long_for_a_client_that_takes_nothing(void **state)
{
    struct client client = {0};

    (void)state;
    fall_behind(BODY_BYTES);
    assert_true(fixture.job->sink.patience_ns == 0);
    assert_true(fixture.job->sink.current->body.fd >= 0);
    end(&client);
    assert_int_equal(client.parts, 2);
    assert_int_equal(client.files, 1);
}

static void test_who_catches_up_gets_what_was_put_by(void **state)
{
    struct client client = {0};

    (void)state;
    fall_behind(BODY_BYTES / 2);
    assert_true(take_part(&client));
    assert_false(take_part(&client));
    psv_sink_credit(&fixture.job->sink, client.len);
    write_to(&client, BODY_BYTES / 2, BODY_BYTES / 2 + 1, 1);
    assert_true(client.len == BODY_BYTES / 2);
    assert_int_equal(client.files, 1);
    write_to(&client, BODY_BYTES / 2 + 1, BODY_BYTES, 1000);
    end(&client);
    assert_int_equal(client.files, 1);
}

static void test_without_a_head_it_is_complete(void **state)
{
    (void)state;
    write_range(0, BODY_BYTES);
    assert_null(psv_mailbox_take(&fixture.mailbox));
    respond("");
    psv_sink_release(&fixture.job->sink);
    struct client client = {0};
    take_all(&client);
    assert_int_equal(client.flags, HEAD | END | RELEASE);
    assert_true(client.len == BODY_BYTES);
}

static void test_a_promised_length(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *promise;
        size_t len;
        unsigned flags;
    } cases[] = {
        {ROW("kept"), "1000000", BODY_BYTES, END | RELEASE},
        {ROW("longer than promised"), "50000", 50000, END | RELEASE},
        {ROW("shorter"), "1000001", BODY_BYTES, END | FAILED | RELEASE},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        struct client client = {0};
        job_fixture_queue(&fixture);
        respond(row->promise);
        write_range(0, BODY_BYTES / 2);
        take_all(&client);
        psv_sink_credit(&fixture.job->sink, client.len);
        write_range(BODY_BYTES / 2, BODY_BYTES);
        psv_sink_release(&fixture.job->sink);
        take_all(&client);
        assert_true(client.len == row->len);
        assert_int_equal(client.flags, row->flags);
    }
}

static void test_head_is_told_the_length_of_all(void **state)
{
    (void)state;
    fixture.job->message.is_head = true;
    respond("");
    write_range(0, BODY_BYTES);
    psv_sink_release(&fixture.job->sink);
    struct client client = {0};
    take_all(&client);
    assert_int_equal(client.flags, HEAD | END | RELEASE);
    assert_int_equal(client.len, 0);
    assert_true(fixture.job->sink.written_bytes == BODY_BYTES);
}

static void *leave(void *context)
{
    (void)context;
    WAIT_UNTIL((atomic_load(&fixture.job->sink.credit_futex) & 1) != 0);
    psv_job_set_gone(fixture.job);
    return NULL;
}

static void test_a_client_that_leaves_meanwhile(void **state)
{
    struct client client = {0};
    pthread_t thread;

    (void)state;
    respond("");
    fixture.job->sink.patience_ns = TEST_PATIENCE_NS; /* its leaving ends that, not the time */
    assert_int_equal(pthread_create(&thread, NULL, leave, NULL), 0);
    (void)!psv_job_write(fixture.job, body, BODY_BYTES);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(psv_job_write(fixture.job, "x", 1), PSV_EGONE);
    psv_sink_release(&fixture.job->sink);
    take_all(&client);
    assert_int_equal(client.flags & RELEASE, RELEASE);
}

static void test_no_memory_for_the_next_part(void **state)
{
    struct client client = {0};

    (void)state;
    respond("");
    write_range(0, FIXTURE_MEMORY_MAX);
    psv_memory_fail_after(1);
    assert_int_equal(psv_job_write(fixture.job, body + FIXTURE_MEMORY_MAX, 1), PSV_ENOMEM);
    psv_memory_fail_after(0);
    assert_int_equal(psv_job_write(fixture.job, "x", 1), PSV_ENOMEM); /* no hole in the middle */
    psv_sink_release(&fixture.job->sink);
    take_all(&client);
    assert_int_equal(client.flags, END | FAILED | RELEASE);
    assert_int_equal(client.len, FIXTURE_MEMORY_MAX);
}

/* Also of a body that begins beside the request's own memory. */
static void test_beyond_the_limit_of_all_it_goes_to_a_file_early(void **state)
{
    struct temp_folder folder;

    (void)state;
    temp_folder_make(&folder);
    assert_int_equal(psv_response_memory_init(1, folder.path), PSV_OK);
    psv_response_memory_hold(2);
    psv_sink_init(&fixture.job->sink, fixture.job, &fixture.mailbox, BODY_BYTES, FIXTURE_WINDOW);
    respond("");
    for (size_t i = 0; i < 100000; i += 1000) {
        write_range(i, i + 1000);
    }
    assert_true(fixture.job->sink.current->body.fd >= 0);
    psv_sink_release(&fixture.job->sink);
    struct client client = {0};
    take_all(&client);
    assert_int_equal(client.files, 1);
    assert_int_equal(client.len, 100000);
    psv_response_memory_release(2);
    assert_int_equal(psv_response_memory_init(UINT64_MAX, ""), PSV_OK);
    temp_folder_remove(&folder);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_who_keeps_up_gets_it_as_it_is_written),
        TEST(test_what_fits_is_complete),
        TEST(test_one_write_and_a_client_at_the_same_time),
        TEST(test_nobody_waits_for_long_for_a_client_that_takes_nothing),
        TEST(test_who_catches_up_gets_what_was_put_by),
        TEST(test_without_a_head_it_is_complete),
        TEST(test_a_promised_length),
        TEST(test_head_is_told_the_length_of_all),
        TEST(test_a_client_that_leaves_meanwhile),
        TEST(test_no_memory_for_the_next_part),
        TEST(test_beyond_the_limit_of_all_it_goes_to_a_file_early),
    };
    return cmocka_run_group_tests_name("response_send_on", tests, NULL, NULL);
}
