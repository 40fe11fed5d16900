/* Tests of filter/access_format.c: what is compiled and what is refused, every variable, escaping, and that a
 * line keeps its shape and its room whatever clients send.
 *
 * SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>

#include "../handler/fake_exchange.h"
#include "json_check.h"

#include "exec/job.h"
#include "filter/access_log.h"
#include "filter/trace_context.h"

#define NS_PER_MS UINT64_C(1000000)

static char line[PSV_ACCESS_LOG_LINE_BYTES + 1];

static void begin(struct fake_exchange *fake, const char *target, const char *fields)
{
    fake_exchange_begin(fake, "GET", target, fields);
    struct psv_exchange *exchange = fake->exchange;
    snprintf(exchange->peer.remote_address, sizeof(exchange->peer.remote_address), "192.0.2.7");
    snprintf(exchange->peer.local_address, sizeof(exchange->peer.local_address), "192.0.2.1");
    exchange->peer.remote_port = 51000;
    exchange->peer.local_port = 8443;
    snprintf(exchange->request_id, sizeof(exchange->request_id), "0123456789abcdef");
    exchange->received_unix_us = UINT64_C(784111777042000);
    exchange->received_ns = 1000 * NS_PER_MS;
    exchange->read_ns = 1001 * NS_PER_MS;
    exchange->first_byte_ns = 1010 * NS_PER_MS;
    exchange->is_answered = true;
    exchange->is_complete = true;
    exchange->response.status = 200;
    exchange->response.content_length = -1;
    exchange->bytes_sent = 1234;
    exchange->head_bytes_sent = 100;
    exchange->bytes_received = 77;
}

static const char *render(const struct fake_exchange *fake, const char *format, bool is_aborted)
{
    struct psv_access_log log;
    struct psv_error error = {.message = ""};
    int code = psv_access_log_init_custom(&log, format, PSV_BYTES_EMPTY, &error);
    if (code != PSV_OK)
        print_error("%s\n", error.message);
    assert_int_equal(code, PSV_OK);
    size_t len = psv_access_log_line(&log, fake->exchange, 1012 * NS_PER_MS + 345678, is_aborted, line);
    psv_access_log_fini(&log);
    assert_true(len <= PSV_ACCESS_LOG_LINE_BYTES);
    line[len] = '\0';
    return line;
}

static void test_variables(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *format;
        const char *expected;
    } cases[] = {
        {ROW("a text alone"), "plain text", "plain text"},
        {ROW("a dollar"), "$$1 $${x}", "$1 ${x}"},
        {ROW("braces"), "${status}0", "2000"},
        {ROW("neighbours"), "$status$scheme", "200http"},
        {ROW("addresses"), "$remote_addr:$remote_port $server_addr:$server_port",
         "192.0.2.7:51000 192.0.2.1:8443"},
        {ROW("user"), "$remote_user", "ann"},
        {ROW("times of day"), "[$time_local] $time_iso8601 $msec",
         "[06/Nov/1994:08:49:37 +0000] 1994-11-06T08:49:37.042Z 784111777.042000"},
        {ROW("request"),
         "\"$request\" $request_method $request_uri $uri $args $query_string $server_protocol",
         "\"GET /a%20b?c=d HTTP/1.1\" GET /a%20b?c=d /a b c=d c=d HTTP/1.1"},
        {ROW("sizes"), "$body_bytes_sent $bytes_sent $request_length", "1234 1334 77"},
        {ROW("durations"), "$request_time $read_time $queue_time $php_time $send_time",
         "0.012345 0.001000 0.002500 0.004001 0.002345"},
        {ROW("host"), "$host $server_name", "shop.example shop.example"},
        {ROW("ids"), "$request_id $trace_id $span_id $parent_id",
         "0123456789abcdef 4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7 -"},
        {ROW("TLS"), "$scheme $ssl_protocol $ssl_cipher $ssl_server_name",
         "http TLSv1.3 TLS_AES_128_GCM_SHA256 shop.example"},
        {ROW("worker"), "$worker $script $memory_peak $cpu_time", "2 /index.php 2097152 0.003000"},
        {ROW("request fields"), "\"$http_user_agent\" $http_x_own_field $http_x_none", "\"agent/1\" mine -"},
        {ROW("response fields"), "$sent_http_content_type $sent_http_x_sent $sent_http_etag",
         "text/plain there -"},
        {ROW("site"), "$site $sent_http_x_added", "shop -"},
        {ROW("the end"), "$request_completion $refusal", "OK -"},
        {ROW("nginx's combined"),
         "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" "
         "\"$http_user_agent\"",
         "192.0.2.7 - ann [06/Nov/1994:08:49:37 +0000] \"GET /a%20b?c=d HTTP/1.1\" 200 1234 \"-\" "
         "\"agent/1\""},
        {ROW("JSON"), "escape=json {\"ua\":\"$http_user_agent\",\"no\":\"$http_x_none\"}",
         "{\"ua\":\"agent/1\",\"no\":\"\"}"},
        {ROW("default, said"), "escape=default $http_x_none", "-"},
    };
    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        struct fake_exchange fake;
        struct psv_trace trace = {.span = {"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", 1}};
        begin(&fake, "/a%20b?c=d",
              "User-Agent: agent/1\nX-Own-Field: mine\nAuthorization: Basic YW5uOnNlY3JldA==");
        struct psv_exchange *exchange = fake.exchange;
        struct psv_job job = {
            .queued_ns = 1001 * NS_PER_MS, .cpu_ns = 3 * NS_PER_MS, .memory_peak_bytes = 2 << 20};
        job.message.script_name = PSV_BYTES("/index.php");
        job.started_ns = job.queued_ns + 2500000;
        job.responded_ns = job.started_ns + 4001000;
        atomic_store(&job.worker_plus_1, 3);
        const struct psv_exchange_site site = {.name = "shop"};
        exchange->site = &site;
        exchange->job = &job;
        exchange->trace = &trace;
        exchange->request.host = PSV_BYTES("shop.example");
        exchange->peer.tls_protocol = "TLSv1.3";
        exchange->peer.tls_cipher = "TLS_AES_128_GCM_SHA256";
        exchange->peer.tls_server_name = "shop.example";
        psv_headers_init(&exchange->response.headers, 4);
        assert_int_equal(psv_headers_add_known(&exchange->response.headers, &exchange->arena,
                                               PSV_FIELD_CONTENT_TYPE, PSV_BYTES("text/plain")),
                         0);
        assert_int_equal(psv_headers_add(&exchange->response.headers, &exchange->arena, PSV_BYTES("X-Sent"),
                                         PSV_BYTES("there")),
                         0);
        assert_string_equal(render(&fake, row->format, false), row->expected);
        exchange->job = NULL;
        fake_exchange_end(&fake);
    }
}

static void test_what_is_not_there(void **state)
{
    (void)state;
    struct fake_exchange fake;
    begin(&fake, "/", NULL);
    fake.exchange->request.method_text = PSV_BYTES_EMPTY; /* the head never was complete */
    fake.exchange->is_answered = false;
    fake.exchange->read_ns = fake.exchange->first_byte_ns = 0;
    assert_string_equal(
        render(&fake, "\"$request\" $status $worker $queue_time $php_time $read_time $send_time", true),
        "\"-\" 499 - - - - -");
    assert_string_equal(render(&fake, "$request_completion $sent_http_etag $cpu_time $trace_id", false),
                        "- - - -");
    assert_string_equal(render(&fake, "$status", false), "000");
    fake_exchange_end(&fake);
}

static void test_content_length_is_known(void **state)
{
    (void)state;
    struct fake_exchange fake;
    begin(&fake, "/", NULL);
    fake.exchange->response.content_length = 42;
    assert_string_equal(render(&fake, "$sent_http_content_length", false), "42");
    fake_exchange_end(&fake);
}

static void test_refused(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *format;
        const char *sentence;
    } cases[] = {
        {ROW("empty"), "", "is empty"},
        {ROW("only an escaping"), "escape=json ", "is empty"},
        {ROW("near"), "$remote_adr", "has the unknown variable $remote_adr; did you mean $remote_addr?"},
        {ROW("near, in braces"), "${reqest_time}",
         "has the unknown variable $reqest_time; did you mean $request_time?"},
        {ROW("far"), "$upstream_cache_status",
         "has the unknown variable $upstream_cache_status; docs/logs-and-traces.md lists them"},
        {ROW("prefix alone"), "$http_",
         "has the unknown variable $http_; docs/logs-and-traces.md lists them"},
        {ROW("dollar at the end"), "100$",
         "has a $ without a variable's name; $$ stands for the sign itself"},
        {ROW("open brace"), "${status",
         "has a $ without a variable's name and } behind it; $$ stands for the sign itself"},
        {ROW("empty braces"), "${}",
         "has a $ without a variable's name and } behind it; $$ stands for the sign itself"},
        {ROW("the codec's"), "$sent_http_server",
         "has $sent_http_server: this field is made when the response is written and not known to the log"},
    };
    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_access_log log;
        struct psv_error error;
        assert_int_equal(psv_access_log_init_custom(&log, row->format, PSV_BYTES_EMPTY, &error), PSV_EINVAL);
        assert_string_equal(error.message, row->sentence);
        psv_access_log_fini(&log);
    }
}

static void test_too_long_is_refused(void **state)
{
    static char format[8192];
    struct psv_access_log log;
    struct psv_error error;
    (void)state;
    memset(format, 'x', sizeof(format) - 1);
    assert_int_equal(psv_access_log_init_custom(&log, format, PSV_BYTES_EMPTY, &error), PSV_EINVAL);
    assert_non_null(strstr(error.message, "needs 8191 bytes in each line"));
    format[0] = '\0';
    for (size_t i = 0; i < 129; i++)
        memcpy(format + i * 8, "$status-", 9);
    assert_int_equal(psv_access_log_init_custom(&log, format, PSV_BYTES_EMPTY, &error), PSV_EINVAL);
    assert_non_null(strstr(error.message, "more than 128"));
}

static void test_escaping(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *agent;
        const char *plain;
        const char *json;
    } cases[] = {
        {ROW("quote"), "a\"b", "a\\x22b", "a\\\"b"},
        {ROW("backslash"), "a\\nb", "a\\x5Cnb", "a\\\\nb"},
        {ROW("line breaks"), "a\r\nb", "a\\x0D\\x0Ab", "a\\u000d\\u000ab"},
        {ROW("UTF-8"), "\xc3\xa9", "\\xC3\\xA9", "\xc3\xa9"},
        {ROW("C1 control"), "\xc2\x9b", "\\xC2\\x9B", "\\u00c2\\u009b"},
        {ROW("delete"), "\x7f", "\\x7F", "\\u007f"},
    };
    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        struct fake_exchange fake;
        begin(&fake, "/", NULL);
        assert_int_equal(psv_headers_add(&fake.exchange->request.headers, &fake.exchange->arena,
                                         PSV_BYTES("User-Agent"), psv_bytes_of(row->agent)),
                         0);
        assert_string_equal(render(&fake, "$http_user_agent", false), row->plain);
        assert_string_equal(render(&fake, "escape=json $http_user_agent", false), row->json);
        fake_exchange_end(&fake);
    }
}

/* Texts that want more than the line has: each keeps its least, the shape stays. */
static void test_long_texts_share_the_line(void **state)
{
    static char text[20000];
    (void)state;
    memset(text, 0x01, sizeof(text));
    struct psv_bytes everything = {text, sizeof(text)};
    struct fake_exchange fake;
    begin(&fake, "/", NULL);
    struct psv_exchange *exchange = fake.exchange;
    static const char *const names[] = {"X-A", "X-B", "X-C", "X-D", "User-Agent", "Referer"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        assert_int_equal(
            psv_headers_add(&exchange->request.headers, &exchange->arena, psv_bytes_of(names[i]), everything),
            0);
    exchange->request.method_text = everything;
    exchange->request.target = everything;
    exchange->request.query = everything;
    render(
        &fake,
        "escape=json "
        "{\"a\":\"$http_x_a\",\"r\":\"$request\",\"b\":\"$http_x_b\",\"c\":\"$http_x_c\",\"d\":\"$http_x_d\","
        "\"u\":\"$http_user_agent\",\"f\":\"$http_referer\",\"q\":\"$args\",\"s\":$status}",
        false);
    assert_true(json_is_valid(line, strlen(line)));
    const char *end = "...\",\"s\":200}";
    assert_string_equal(line + strlen(line) - strlen(end), end);
    assert_true(strlen(line) > PSV_ACCESS_LOG_LINE_BYTES - 40); /* the room is used */
    fake_exchange_end(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_content_length_is_known),
        cmocka_unit_test(test_too_long_is_refused),
        cmocka_unit_test(test_escaping),
        cmocka_unit_test(test_long_texts_share_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
