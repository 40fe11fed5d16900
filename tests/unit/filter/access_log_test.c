/* Tests of filter/access_log.c: the lines themselves, and that nothing a client sends can forge one.
 *
 * SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>

#include "../handler/fake_exchange.h"
#include "json_check.h"

#include "base/memory.h"
#include "exec/job.h"
#include "filter/access_log.h"
#include "filter/access_log_short.h"

#define NS_PER_MS UINT64_C(1000000)

static char line[PSV_ACCESS_LOG_LINE_BYTES + 1];

static void begin(struct fake_exchange *fake, const char *method, const char *target, const char *fields)
{
    fake_exchange_begin(fake, method, target, fields);
    struct psv_exchange *exchange = fake->exchange;
    snprintf(exchange->peer.remote_address, sizeof(exchange->peer.remote_address), "192.0.2.7");
    snprintf(exchange->request_id, sizeof(exchange->request_id), "0123456789abcdef0123456789abcdef");
    exchange->received_unix_us = UINT64_C(784111777042000);
    exchange->received_ns = 1000 * NS_PER_MS;
    exchange->is_answered = true;
    exchange->is_complete = true;
    exchange->response.status = 200;
    exchange->bytes_sent = 1234;
}

static const char *line_of(const struct fake_exchange *fake, enum psv_access_log_format format,
                           bool is_aborted)
{
    struct psv_access_log log;
    psv_access_log_init(&log, true, format);
    size_t len = psv_access_log_line(&log, fake->exchange, 1012 * NS_PER_MS + 345678, is_aborted, line);
    assert_true(len <= PSV_ACCESS_LOG_LINE_BYTES);
    line[len] = '\0';
    return line;
}

static void test_formats(void **state)
{
    static const struct {
        TABLE_ROW;
        enum psv_access_log_format format;
        const char *expected;
    } cases[] = {
        {ROW("common"), PSV_ACCESS_LOG_COMMON,
         "192.0.2.7 - ann [06/Nov/1994:08:49:37 +0000] \"GET /a?b=c HTTP/1.1\" 200 1234"},
        {ROW("combined"), PSV_ACCESS_LOG_COMBINED,
         "192.0.2.7 - ann [06/Nov/1994:08:49:37 +0000] \"GET /a?b=c HTTP/1.1\" 200 1234 \"http://r/\" "
         "\"agent/1\""},
        {ROW("JSON"), PSV_ACCESS_LOG_JSON,
         "{\"ts\":\"1994-11-06T08:49:37.042Z\",\"request_id\":\"0123456789abcdef0123456789abcdef\","
         "\"remote\":\"192.0.2.7\",\"user\":\"ann\",\"method\":\"GET\",\"target\":\"/"
         "a?b=c\",\"protocol\":\"HTTP/1.1\","
         "\"status\":200,\"bytes\":1234,\"duration_ms\":12.345,\"user_agent\":\"agent/"
         "1\",\"referer\":\"http://r/\","
         "\"aborted\":false}"},
        {ROW("short"), PSV_ACCESS_LOG_SHORT, "1994-11-06T08:49:37.042Z GET   200 /a?b=c 12.3ms"},
        {ROW("Caddy"), PSV_ACCESS_LOG_CADDY,
         "{\"level\":\"info\",\"ts\":784111777.042000,\"logger\":\"http.log.access\",\"msg\":\"handled "
         "request\","
         "\"request\":{\"remote_ip\":\"192.0.2.7\",\"remote_port\":\"0\",\"client_ip\":\"192.0.2.7\","
         "\"proto\":\"HTTP/1.1\",\"method\":\"GET\",\"host\":\"\",\"uri\":\"/a?b=c\","
         "\"headers\":{\"User-Agent\":[\"agent/1\"],\"Referer\":[\"http://r/\"]}},\"user_id\":\"ann\","
         "\"duration\":0.012345,\"size\":1234,\"status\":200,"
         "\"request_id\":\"0123456789abcdef0123456789abcdef\"}"},
    };
    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        struct fake_exchange fake;
        begin(&fake, "GET", "/a?b=c",
              "User-Agent: agent/1\nReferer: http://r/\nAuthorization: Basic YW5uOnNlY3JldA==");
        assert_string_equal(line_of(&fake, row->format, false), row->expected);
        fake_exchange_end(&fake);
    }
}

static void test_absent_texts(void **state)
{
    (void)state;
    struct fake_exchange fake;
    begin(&fake, "GET", "/", NULL);
    fake.exchange->request.method_text = PSV_BYTES_EMPTY; /* the head never was complete */
    fake.exchange->request.target = PSV_BYTES_EMPTY;
    fake.exchange->is_answered = false;
    fake.exchange->bytes_sent = 0;
    assert_string_equal(line_of(&fake, PSV_ACCESS_LOG_COMBINED, true),
                        "192.0.2.7 - - [06/Nov/1994:08:49:37 +0000] \"-\" 499 - \"-\" \"-\"");
    assert_string_equal(line_of(&fake, PSV_ACCESS_LOG_COMMON, false),
                        "192.0.2.7 - - [06/Nov/1994:08:49:37 +0000] \"-\" 000 -");
    fake.exchange->refusal = "queue is full";
    assert_non_null(
        strstr(line_of(&fake, PSV_ACCESS_LOG_JSON, true),
               "\"method\":null,\"target\":null,\"protocol\":\"HTTP/1.1\",\"status\":499,\"bytes\":0,"));
    assert_non_null(strstr(
        line, ",\"user_agent\":null,\"referer\":null,\"refusal\":\"queue is full\",\"aborted\":true}"));
    fake_exchange_end(&fake);
}

static void test_short_form(void **state)
{
    char out[PSV_ACCESS_LOG_SHORT_BYTES];
    struct fake_exchange fake;
    (void)state;
    begin(&fake, "GET", "/", NULL);
    fake.exchange->request.target = PSV_BYTES("/a\x1b[31m\n \xff");
    size_t len = psv_access_log_short(fake.exchange, 1012 * NS_PER_MS + 345678, false, true, out);
    assert_bytes_equal(
        ((struct psv_bytes){out, len}),
        "\033[2m08:49:37.042\033[0m GET   \033[32m200\033[0m /a\\x1b[31m\\x0a\\x20\\xff\033[2m "
        "12.3ms\033[0m");
    fake.exchange->is_answered = false;
    len = psv_access_log_short(fake.exchange, 0, true, false, out);
    assert_bytes_equal(((struct psv_bytes){out, len}),
                       "1994-11-06T08:49:37.042Z GET   499 /a\\x1b[31m\\x0a\\x20\\xff 0.0ms");
    fake.exchange->is_answered = true;
    fake.exchange->request.path = PSV_BYTES("/.phpsrv/live-reload");
    assert_int_equal(psv_access_log_short(fake.exchange, 0, false, true, out), 0);
    fake_exchange_end(&fake);
}

static void test_escaping(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *agent;
        const char *combined;
        const char *json;
    } cases[] = {
        {ROW("quote"), "a\"b", "a\\\"b", "a\\\"b"},
        {ROW("backslash"), "a\\nb", "a\\\\nb", "a\\\\nb"},
        {ROW("control bytes"), "a\x01\t\x1b[31m\x7f", "a\\x01\\x09\\x1b[31m\\x7f",
         "a\\u0001\\u0009\\u001b[31m\\u007f"},
        {ROW("line breaks"), "a\r\nb", "a\\x0d\\x0ab", "a\\u000d\\u000ab"},
        {ROW("UTF-8"), "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x98",
         "\\xc3\\xa9\\xe2\\x82\\xac\\xf0\\x9f\\x90\\x98", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x98"},
        {ROW("Latin-1"), "\xe9t\xe9", "\\xe9t\\xe9", "\\u00e9t\\u00e9"},
        {ROW("cut sequence"), "\xe2\x82", "\\xe2\\x82", "\\u00e2\\u0082"},
        {ROW("overlong"), "\xc0\xaf\xe0\x80\xaf", "\\xc0\\xaf\\xe0\\x80\\xaf",
         "\\u00c0\\u00af\\u00e0\\u0080\\u00af"},
        {ROW("surrogate"), "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\u00ed\\u00a0\\u0080"},
        {ROW("beyond Unicode"), "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\u00f4\\u0090\\u0080\\u0080"},
        {ROW("C1 control"), "\xc2\x9b", "\\xc2\\x9b", "\\u00c2\\u009b"},
    };
    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        struct fake_exchange fake;
        char expected[256];
        begin(&fake, "GET", "/", NULL);
        assert_int_equal(psv_headers_add(&fake.exchange->request.headers, &fake.exchange->arena,
                                         PSV_BYTES("User-Agent"), psv_bytes_of(row->agent)),
                         0);
        snprintf(expected, sizeof(expected), " \"%s\"", row->combined);
        line_of(&fake, PSV_ACCESS_LOG_COMBINED, false);
        assert_string_equal(line + strlen(line) - strlen(expected), expected);
        snprintf(expected, sizeof(expected), ",\"user_agent\":\"%s\",", row->json);
        assert_non_null(strstr(line_of(&fake, PSV_ACCESS_LOG_JSON, false), expected));
        fake_exchange_end(&fake);
    }
}

static void test_user(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *fields;
        const char *user;
    } cases[] = {
        {ROW("none"), NULL, "-"},
        {ROW("basic"), "Authorization: Basic YW5uOnNlY3JldA==", "ann"},
        {ROW("scheme in lower case"), "Authorization: basic YW5uOnNlY3JldA==", "ann"},
        {ROW("empty password"), "Authorization: Basic YW5uOg==", "ann"},
        {ROW("empty user"), "Authorization: Basic OnNlY3JldA==", "-"},
        {ROW("no colon"), "Authorization: Basic YW5u", "-"},
        {ROW("no base64"), "Authorization: Basic ***", "-"},
        {ROW("nothing"), "Authorization: Basic", "-"},
        {ROW("bearer"), "Authorization: Bearer YW5uOnNlY3JldA==", "-"},
        {ROW("blank and quote"), "Authorization: Basic YSAiYjpj", "a_\\\"b"},
        {ROW("line break"), "Authorization: Basic YQpiOmM=", "a\\x0ab"},
        {ROW("very long"),
         "Authorization: Basic "
         "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYTpi",
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    };
    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        struct fake_exchange fake;
        char expected[256];
        begin(&fake, "GET", "/", row->fields);
        snprintf(expected, sizeof(expected), "192.0.2.7 - %s [06/Nov", row->user);
        line_of(&fake, PSV_ACCESS_LOG_COMMON, false);
        assert_memory_equal(line, expected, strlen(expected));
        fake_exchange_end(&fake);
    }
}

/* Every text as long and as much in need of escaping as can be: the line still fits and is whole. */
static void test_long_texts_are_cut(void **state)
{
    static char text[20000];
    static char text_of_refusal[200];
    (void)state;
    memset(text, 0x80, sizeof(text));
    memset(text_of_refusal, 0x80, sizeof(text_of_refusal) - 1);
    struct psv_bytes everything = {text, sizeof(text)};
    struct fake_exchange fake;
    begin(&fake, "GET", "/", NULL);
    struct psv_exchange *exchange = fake.exchange;
    exchange->request.method_text = everything;
    exchange->request.target = everything;
    memset(exchange->peer.remote_address, 0x80, sizeof(exchange->peer.remote_address) - 1);
    exchange->bytes_sent = UINT64_MAX;
    exchange->response.status = 599;
    exchange->refusal = text_of_refusal;
    memset(exchange->request_id, 0x80, sizeof(exchange->request_id) - 1);
    struct psv_job job = {.queued_ns = 1, .started_ns = UINT64_MAX / 2, .responded_ns = UINT64_MAX};
    atomic_store(&job.worker_plus_1, UINT_MAX);
    exchange->job = &job;
    exchange->received_ns = 0;
    static const enum psv_field_id ids[] = {PSV_FIELD_USER_AGENT, PSV_FIELD_REFERER};
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
        assert_int_equal(
            psv_headers_add_known(&exchange->request.headers, &exchange->arena, ids[i], everything), 0);
    assert_int_equal(psv_headers_add_known(&exchange->request.headers, &exchange->arena,
                                           PSV_FIELD_AUTHORIZATION,
                                           PSV_BYTES("Basic gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgDo=")),
                     0);
    exchange->read_ns = exchange->first_byte_ns = 1;
    for (enum psv_access_log_format format = 0; format < PSV_ACCESS_LOG_CUSTOM; format++) {
        line_of(&fake, format, true);
        assert_non_null(strstr(line, "..."));
        const char *end = format == PSV_ACCESS_LOG_JSON       ? ",\"aborted\":true}"
                          : format == PSV_ACCESS_LOG_COMBINED ? "...\""
                          : format == PSV_ACCESS_LOG_SHORT    ? "ms aborted"
                                                              : " 599 18446744073709551615";
        assert_string_equal(line + strlen(line) - strlen(end), end);
    }
    exchange->request.authority = everything;
    line_of(&fake, PSV_ACCESS_LOG_CADDY, true);
    assert_true(json_is_valid(line, strlen(line)));
    assert_true(strlen(line) > 1500);
    exchange->job = NULL;
    fake_exchange_end(&fake);
}

/* Only what has failed, when no more is asked for. */
static void test_least_status(void **state)
{
    (void)state;
    struct fake_exchange fake;
    struct psv_access_log log;
    begin(&fake, "GET", "/", NULL);
    psv_access_log_init(&log, true, PSV_ACCESS_LOG_CADDY);
    log.status_min = 500;
    fake.exchange->response.status = 500;
    assert_true(psv_access_log_wants(&log, fake.exchange, false));
    assert_non_null(strstr(line_of(&fake, PSV_ACCESS_LOG_CADDY, false), "{\"level\":\"error\","));
    fake.exchange->response.status = 499;
    assert_false(psv_access_log_wants(&log, fake.exchange, false));
    log.status_min = 0;
    fake.exchange->is_answered = false;
    assert_true(psv_access_log_wants(&log, fake.exchange, false));
    fake_exchange_end(&fake);
}

static void test_worker_and_its_times(void **state)
{
    static const struct {
        TABLE_ROW;
        unsigned worker_plus_1;
        bool is_complete;
        bool is_gone;
        const char *expected;
    } cases[] = {
        {ROW("done"), 3, true, false, ".345,\"worker\":2,\"queue_ms\":2.500,\"php_ms\":4.001,\"user_agent\""},
        {ROW("may be running"), 3, false, false, ".345,\"worker\":2,\"user_agent\""},
        {ROW("answered without it"), 3, true, true, ".345,\"worker\":2,\"user_agent\""},
        {ROW("still queued"), 0, false, true, ".345,\"queue_ms\":912.345,\"user_agent\""},
    };
    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        struct fake_exchange fake;
        begin(&fake, "GET", "/", NULL);
        struct psv_job job = {.queued_ns = 100 * NS_PER_MS};
        job.started_ns = job.queued_ns + 2500000;
        job.responded_ns = job.started_ns + 4001000;
        atomic_store(&job.worker_plus_1, row->worker_plus_1);
        atomic_store(&job.is_gone, row->is_gone);
        fake.exchange->job = &job;
        fake.exchange->is_complete = row->is_complete;
        assert_non_null(strstr(line_of(&fake, PSV_ACCESS_LOG_JSON, false), row->expected));
        fake.exchange->job = NULL;
        fake_exchange_end(&fake);
    }
}

static void test_time_moves_on(void **state)
{
    (void)state;
    static const uint64_t times_us[] = {0, 999, 1000, 999999, 1000000, 86400000000, 5000000};
    static const char *const expected[] = {
        "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:00.001Z",
        "1970-01-01T00:00:00.999Z", "1970-01-01T00:00:01.000Z", "1970-01-02T00:00:00.000Z",
        "1970-01-01T00:00:05.000Z",
    };
    struct psv_access_log log;
    struct fake_exchange fake;
    begin(&fake, "GET", "/", NULL);
    psv_access_log_init(&log, true, PSV_ACCESS_LOG_JSON);
    for (size_t i = 0; i < ARRAY_SIZE(times_us); i++) {
        fake.exchange->received_unix_us = times_us[i];
        psv_access_log_line(&log, fake.exchange, 0, false, line);
        assert_memory_equal(line + strlen("{\"ts\":\""), expected[i], 24);
    }
    fake_exchange_end(&fake);
}

static void test_no_allocation(void **state)
{
    (void)state;
    struct fake_exchange fake;
    begin(&fake, "GET", "/", "Authorization: Basic YW5uOnNlY3JldA==");
    uint64_t before = psv_memory_allocation_count();
    for (enum psv_access_log_format format = 0; format < PSV_ACCESS_LOG_FORMAT_COUNT; format++)
        line_of(&fake, format, false);
    assert_int_equal(psv_memory_allocation_count(), before);
    fake_exchange_end(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats),       cmocka_unit_test(test_absent_texts),
        cmocka_unit_test(test_short_form),    cmocka_unit_test(test_escaping),
        cmocka_unit_test(test_user),          cmocka_unit_test(test_long_texts_are_cut),
        cmocka_unit_test(test_least_status),  cmocka_unit_test(test_worker_and_its_times),
        cmocka_unit_test(test_time_moves_on), cmocka_unit_test(test_no_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
