/* Tests of handler/static_file.c: files of a temporary folder, answers collected by a codec that only
 * listens.
 *
 * SPDX-License-Identifier: MIT */
#include "fake_exchange.h"
#include "temp_folder.h"

#include "handler/file_cache.h"
#include "handler/static_file.h"
#include "os/fd.h"
#include "os/safe_open.h"

static const char digits[] = "0123456789abcdefghij"; /* 20 bytes */
#define MODIFIED_S 784111777
#define MODIFIED "Sun, 06 Nov 1994 08:49:37 GMT"

struct fixture {
    struct temp_folder folder;
    int root_fd;
    struct psv_file_cache cache;
    struct fake_exchange fake;
};

static void set_time(const struct fixture *fixture, const char *name, int64_t modified_s)
{
    char path[512];
    struct timespec times[2] = {{.tv_sec = modified_s}, {.tv_sec = modified_s}};
    assert_int_equal(utimensat(AT_FDCWD, temp_folder_path(&fixture->folder, name, path), times, 0), 0);
}

/* Contents in memory when content_max_bytes is not 0. */
static void open_cache(struct fixture *fixture, uint64_t content_max_bytes)
{
    const struct psv_file_cache_options options = {
        .root_fd = fixture->root_fd,
        .max_entries = 8,
        .valid_ms = 60000,
        .content_max_bytes = content_max_bytes,
        .memory_max_bytes = 1 << 20,
    };
    psv_file_cache_init(&fixture->cache, &options);
}

static int set_up(void **state)
{
    static struct fixture fixture;
    temp_folder_make(&fixture.folder);
    assert_int_equal(psv_safe_open_root(fixture.folder.path, &fixture.root_fd, NULL), 0);
    temp_folder_write(&fixture.folder, "digits.txt", digits);
    temp_folder_write(&fixture.folder, "empty.txt", "");
    temp_folder_write(&fixture.folder, "future.txt", "future");
    set_time(&fixture, "digits.txt", MODIFIED_S);
    set_time(&fixture, "empty.txt", MODIFIED_S);
    set_time(&fixture, "future.txt", 4000000000);
    open_cache(&fixture, 0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    psv_file_cache_fini(&fixture->cache);
    psv_fd_close(fixture->root_fd);
    temp_folder_remove(&fixture->folder);
    return table_report_row(state);
}

static void drop_file(void *context)
{
    psv_cached_file_unref(context);
}

static const struct fake_exchange *ask(struct fixture *fixture, const char *method, const char *path,
                                       const char *fields)
{
    static const struct psv_static_file options = {.ranges_max = 4};
    struct psv_cached_file *file = NULL;
    fake_exchange_begin(&fixture->fake, method, path, fields);
    struct psv_exchange *exchange = fixture->fake.exchange;
    assert_int_equal(psv_file_cache_find_ref(&fixture->cache, exchange->request.path, &file), 0);
    assert_int_equal(file->kind, PSV_CACHED_FILE);
    assert_int_equal(psv_arena_on_fini(&exchange->arena, drop_file, file), 0);
    psv_static_file_answer(
        &options, exchange,
        &(struct psv_static_choice){.file = file, .form = psv_static_form_of(file, PSV_BYTES(""))});
    assert_int_equal(fixture->fake.answers, 1);
    return &fixture->fake;
}

static void done(struct fixture *fixture)
{
    fake_exchange_end(&fixture->fake);
}

static void test_methods_preconditions_and_ranges(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        TABLE_ROW;
        const char *method;
        const char *fields;
        unsigned status;
        int64_t length;
        const char *body;          /* NULL: whatever the refusal says */
        const char *content_range; /* "" = none */
    } cases[] = {
        {ROW("whole"), "GET", NULL, 200, 20, digits, ""},
        {ROW("HEAD"), "HEAD", NULL, 200, 20, "", ""},
        {ROW("HEAD has no ranges"), "HEAD", "Range: bytes=0-1", 200, 20, "", ""},
        {ROW("OPTIONS"), "OPTIONS", NULL, 204, -1, "", ""},
        {ROW("POST"), "POST", NULL, 405, 0, NULL, ""},
        {ROW("DELETE"), "DELETE", NULL, 405, 0, NULL, ""},
        {ROW("unknown method"), "BREW", NULL, 405, 0, NULL, ""},
        {ROW("not modified since"), "GET", "If-Modified-Since: " MODIFIED, 304, 20, "", ""},
        {ROW("HEAD not modified"), "HEAD", "If-Modified-Since: " MODIFIED, 304, 20, "", ""},
        {ROW("modified since"), "GET", "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT", 200, 20, digits,
         ""},
        {ROW("any tag"), "GET", "If-None-Match: *", 304, 20, "", ""},
        {ROW("other tag wins over date"), "GET", "If-None-Match: \"x\"\nIf-Modified-Since: " MODIFIED, 200,
         20, digits, ""},
        {ROW("tag must match"), "GET", "If-Match: \"x\"", 412, 0, NULL, ""},
        {ROW("unmodified since"), "GET", "If-Unmodified-Since: " MODIFIED, 200, 20, digits, ""},
        {ROW("not unmodified since"), "GET", "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT", 412, 0,
         NULL, ""},
        {ROW("precondition before range"), "GET", "If-None-Match: *\nRange: bytes=0-1", 304, 20, "", ""},
        {ROW("first bytes"), "GET", "Range: bytes=0-4", 206, 5, "01234", "bytes 0-4/20"},
        {ROW("one byte"), "GET", "Range: bytes=19-19", 206, 1, "j", "bytes 19-19/20"},
        {ROW("from an offset"), "GET", "Range: bytes=15-", 206, 5, "fghij", "bytes 15-19/20"},
        {ROW("last bytes"), "GET", "Range: bytes=-3", 206, 3, "hij", "bytes 17-19/20"},
        {ROW("longer than the file"), "GET", "Range: bytes=18-99999", 206, 2, "ij", "bytes 18-19/20"},
        {ROW("touching ranges are one"), "GET", "Range: bytes=0-1,2-3", 206, 4, "0123", "bytes 0-3/20"},
        {ROW("past the end"), "GET", "Range: bytes=20-", 416, 0, NULL, "bytes */20"},
        {ROW("backwards"), "GET", "Range: bytes=5-4", 200, 20, digits, ""},
        {ROW("other unit"), "GET", "Range: lines=1-2", 200, 20, digits, ""},
        {ROW("too many ranges"), "GET", "Range: bytes=0-0,2-2,4-4,6-6,8-8", 200, 20, digits, ""},
        {ROW("two fields"), "GET", "Range: bytes=0-0\nRange: bytes=2-2", 200, 20, digits, ""},
        {ROW("if-range with the date"), "GET", "If-Range: " MODIFIED "\nRange: bytes=0-0", 206, 1, "0",
         "bytes 0-0/20"},
        {ROW("if-range with another date"), "GET",
         "If-Range: Sun, 06 Nov 1994 08:49:38 GMT\nRange: bytes=0-0", 200, 20, digits, ""},
        {ROW("if-range with another tag"), "GET", "If-Range: \"x\"\nRange: bytes=0-0", 200, 20, digits, ""},
    };
    static const uint64_t content_limits[] = {0, 1024}; /* from the descriptor, from memory */
    for (size_t i = 0; i < ARRAY_SIZE(content_limits); i++) {
        psv_file_cache_fini(&fixture->cache);
        open_cache(fixture, content_limits[i]);
        TABLE_FOR_EACH(row, cases)
        {
            const struct fake_exchange *fake = ask(fixture, row->method, "/digits.txt", row->fields);
            assert_int_equal(fake->exchange->response.status, row->status);
            assert_bytes_equal(fake_field(fake, PSV_FIELD_CONTENT_RANGE), row->content_range);
            if (row->body != NULL) {
                assert_int_equal(fake->exchange->response.content_length, row->length);
                assert_bytes_equal(fake_body(fake), row->body);
                assert_int_equal(fake->is_from_file, row->body[0] != '\0' && i == 0);
            }
            done(fixture);
        }
    }
}

static void test_fields(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        TABLE_ROW;
        const char *fields;
        unsigned status;
        bool has_type; /* and Accept-Ranges */
    } cases[] = {
        {ROW("200"), NULL, 200, true},
        {ROW("206"), "Range: bytes=1-2", 206, true},
        {ROW("304"), "If-None-Match: *", 304, false},
    };
    TABLE_FOR_EACH(row, cases)
    {
        const struct fake_exchange *fake = ask(fixture, "GET", "/digits.txt", row->fields);
        assert_int_equal(fake->exchange->response.status, row->status);
        assert_true(fake_field(fake, PSV_FIELD_ETAG).len > 2);
        assert_bytes_equal(fake_field(fake, PSV_FIELD_LAST_MODIFIED), MODIFIED);
        assert_int_equal(fake_field(fake, PSV_FIELD_CONTENT_TYPE).data != NULL, row->has_type);
        assert_bytes_equal(fake_field(fake, PSV_FIELD_ACCEPT_RANGES), row->has_type ? "bytes" : "");
        assert_null(fake_field(fake, PSV_FIELD_CONTENT_LENGTH).data); /* the codec's */
        done(fixture);
    }
}

static void test_allow(void **state)
{
    struct fixture *fixture = *state;
    static const char *const methods[] = {"POST", "OPTIONS"};
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        const struct fake_exchange *fake = ask(fixture, methods[i], "/digits.txt", NULL);
        assert_bytes_equal(fake_field(fake, PSV_FIELD_ALLOW), "GET, HEAD, OPTIONS");
        done(fixture);
    }
}

static void test_own_tag(void **state)
{
    struct fixture *fixture = *state;
    char fields[256];
    const struct fake_exchange *fake = ask(fixture, "GET", "/digits.txt", NULL);
    struct psv_bytes tag = fake_field(fake, PSV_FIELD_ETAG);
    snprintf(fields, sizeof(fields), "If-None-Match: \"a\", W/%.*s", PSV_BYTES_ARG(tag));
    char range_fields[256];
    snprintf(range_fields, sizeof(range_fields), "Range: bytes=2-3\nIf-Range: %.*s", PSV_BYTES_ARG(tag));
    done(fixture);
    fake = ask(fixture, "GET", "/digits.txt", fields);
    assert_int_equal(fake->exchange->response.status, 304);
    done(fixture);
    fake = ask(fixture, "GET", "/digits.txt", range_fields);
    assert_int_equal(fake->exchange->response.status, 206);
    done(fixture);
}

static void test_empty_file(void **state)
{
    struct fixture *fixture = *state;
    const struct fake_exchange *fake = ask(fixture, "GET", "/empty.txt", NULL);
    assert_int_equal(fake->exchange->response.status, 200);
    assert_int_equal(fake->exchange->response.content_length, 0);
    assert_int_equal(fake->pieces, 0);
    done(fixture);
    fake = ask(fixture, "GET", "/empty.txt", "Range: bytes=0-");
    assert_int_equal(fake->exchange->response.status, 416);
    assert_bytes_equal(fake_field(fake, PSV_FIELD_CONTENT_RANGE), "bytes */0");
    done(fixture);
}

static void test_no_date_from_the_future(void **state)
{
    struct fixture *fixture = *state;
    const struct fake_exchange *fake = ask(fixture, "GET", "/future.txt", NULL);
    assert_int_equal(fake->exchange->response.status, 200);
    assert_null(fake_field(fake, PSV_FIELD_LAST_MODIFIED).data);
    done(fixture);
}

static void test_multiple_ranges(void **state)
{
    struct fixture *fixture = *state;
    static const uint64_t content_limits[] = {0, 1024};
    for (size_t i = 0; i < ARRAY_SIZE(content_limits); i++) {
        psv_file_cache_fini(&fixture->cache);
        open_cache(fixture, content_limits[i]);
        const struct fake_exchange *fake = ask(fixture, "GET", "/digits.txt", "Range: bytes=10-12, 0-1, -2");
        const struct psv_bytes prefix = PSV_BYTES("multipart/byteranges; boundary=");
        struct psv_bytes type = fake_field(fake, PSV_FIELD_CONTENT_TYPE);
        char expected[1024];
        assert_int_equal(fake->exchange->response.status, 206);
        assert_true(psv_bytes_starts_with(type, prefix));
        struct psv_bytes boundary = psv_bytes_from(type, prefix.len);
        assert_int_equal(boundary.len, 32);
        snprintf(
            expected, sizeof(expected),
            "--%.*s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 10-12/20\r\n\r\nabc"
            "\r\n--%.*s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 0-1/20\r\n\r\n01"
            "\r\n--%.*s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 18-19/20\r\n\r\nij"
            "\r\n--%.*s--\r\n",
            PSV_BYTES_ARG(boundary), PSV_BYTES_ARG(boundary), PSV_BYTES_ARG(boundary),
            PSV_BYTES_ARG(boundary));
        assert_bytes_equal(fake_body(fake), expected);
        assert_int_equal(fake->exchange->response.content_length, strlen(expected));
        assert_null(fake_field(fake, PSV_FIELD_CONTENT_RANGE).data); /* each part has its own */
        assert_true(fake_field(fake, PSV_FIELD_ETAG).len > 2);
        done(fixture);
    }
}

static void test_boundaries_differ(void **state)
{
    struct fixture *fixture = *state;
    char first[128];
    const struct fake_exchange *fake = ask(fixture, "GET", "/digits.txt", "Range: bytes=0-0,5-5");
    snprintf(first, sizeof(first), "%.*s", PSV_BYTES_ARG(fake_field(fake, PSV_FIELD_CONTENT_TYPE)));
    done(fixture);
    fake = ask(fixture, "GET", "/digits.txt", "Range: bytes=0-0,5-5");
    assert_false(psv_bytes_equal(fake_field(fake, PSV_FIELD_CONTENT_TYPE), psv_bytes_of(first)));
    done(fixture);
}

static void test_file_forgotten_while_it_is_sent(void **state)
{
    struct fixture *fixture = *state;
    char path[512];
    const struct fake_exchange *fake = ask(fixture, "HEAD", "/digits.txt", NULL);
    assert_int_equal(unlink(temp_folder_path(&fixture->folder, "digits.txt", path)), 0);
    psv_file_cache_clear(&fixture->cache);
    /* the fields point into the entry, which lives until the exchange is freed */
    assert_bytes_equal(fake_field(fake, PSV_FIELD_LAST_MODIFIED), MODIFIED);
    done(fixture);
}

/* Without memory the answer is a refusal, or the whole file in place of a part; there is always exactly one.
 */
static void test_allocation_failures(void **state)
{
    struct fixture *fixture = *state;
    unsigned refused = 0;
    static const struct psv_static_file options = {.ranges_max = 4};
    for (size_t limit = 1024; limit < 16384; limit += 16) {
        struct psv_cached_file *file = NULL;
        fake_exchange_begin(&fixture->fake, "GET", "/digits.txt", "Range: bytes=0-0,5-5,9-9");
        struct psv_exchange *exchange = fixture->fake.exchange;
        assert_int_equal(psv_file_cache_find_ref(&fixture->cache, PSV_BYTES("/digits.txt"), &file), 0);
        assert_int_equal(psv_arena_on_fini(&exchange->arena, drop_file, file), 0);
        exchange->arena.max_bytes = limit;
        exchange->arena.end = MIN(exchange->arena.end, exchange->arena.next + limit / 8);
        psv_static_file_answer(
            &options, exchange,
            &(struct psv_static_choice){.file = file, .form = psv_static_form_of(file, PSV_BYTES(""))});
        assert_int_equal(fixture->fake.answers, 1);
        assert_true(exchange->response.status == 206 || exchange->response.status == 200 ||
                    exchange->response.status == 503);
        if (exchange->response.status == 206)
            assert_int_equal(fixture->fake.body_len, exchange->response.content_length);
        refused += exchange->response.status == 503;
        done(fixture);
    }
    assert_true(refused > 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_methods_preconditions_and_ranges),
        TEST(test_fields),
        TEST(test_allow),
        TEST(test_own_tag),
        TEST(test_empty_file),
        TEST(test_no_date_from_the_future),
        TEST(test_multiple_ranges),
        TEST(test_boundaries_differ),
        TEST(test_file_forgotten_while_it_is_sent),
        TEST(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
