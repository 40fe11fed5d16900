/* Tests of observe/otlp_json.c: spans and resources as JSON, and what a collector answers.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/buffer.h"
#include "json_check.h"
#include "observe/otlp_json.h"

static struct psv_otlp_span example(void)
{
    struct psv_otlp_span span = {
        .flags = 1,
        .is_known_method = true,
        .status = 200,
        .server_port = 8080,
        .client_port = 51000,
        .worker_plus_1 = 1,
        .protocol = "1.1",
        .body_bytes = 12,
        .begin_ns = 1000,
        .end_ns = 5000,
    };
    memcpy(span.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736", sizeof(span.trace_id));
    memcpy(span.span_id, "00f067aa0ba902b7", sizeof(span.span_id));
    psv_otlp_span_set_text(&span, PSV_OTLP_TEXT_METHOD, PSV_BYTES("GET"));
    psv_otlp_span_set_text(&span, PSV_OTLP_TEXT_PATH, PSV_BYTES("/a"));
    return span;
}

static const char *text_of(struct psv_buffer *out)
{
    assert_int_equal(psv_buffer_append_byte(out, '\0'), 0);
    return out->data;
}

static void a_span(void **state)
{
    (void)state;
    struct psv_buffer out;
    struct psv_otlp_span span = example();
    psv_buffer_init(&out, 1 << 20);
    assert_int_equal(psv_otlp_json_span(&out, &span, 1000000, true), 0);
    assert_string_equal(
        text_of(&out),
        "{\"traceId\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"spanId\":\"00f067aa0ba902b7\",\"flags\":257,"
        "\"name\":\"GET\",\"kind\":2,\"startTimeUnixNano\":\"1001000\",\"endTimeUnixNano\":\"1005000\","
        "\"attributes\":["
        "{\"key\":\"http.request.method\",\"value\":{\"stringValue\":\"GET\"}},"
        "{\"key\":\"url.path\",\"value\":{\"stringValue\":\"/a\"}},"
        "{\"key\":\"url.scheme\",\"value\":{\"stringValue\":\"http\"}},"
        "{\"key\":\"network.protocol.version\",\"value\":{\"stringValue\":\"1.1\"}},"
        "{\"key\":\"server.port\",\"value\":{\"intValue\":\"8080\"}},"
        "{\"key\":\"client.port\",\"value\":{\"intValue\":\"51000\"}},"
        "{\"key\":\"http.response.status_code\",\"value\":{\"intValue\":\"200\"}},"
        "{\"key\":\"http.response.body.size\",\"value\":{\"intValue\":\"12\"}},"
        "{\"key\":\"phpsrv.worker\",\"value\":{\"intValue\":\"0\"}}"
        "],\"status\":{}}");
    psv_buffer_fini(&out);
}

static void a_span_with_children_and_an_error(void **state)
{
    (void)state;
    struct psv_buffer out;
    struct psv_otlp_span span = example();
    span.has_parent = true;
    memcpy(span.parent_id, "1111111111111111", sizeof(span.parent_id));
    span.status = 503;
    span.queue_begin_ns = 1500;
    span.queue_end_ns = 2000;
    span.run_begin_ns = 2000;
    span.run_end_ns = 4000;
    psv_otlp_span_set_text(&span, PSV_OTLP_TEXT_TRACE_STATE, PSV_BYTES("a=1,b=2"));
    psv_buffer_init(&out, 1 << 20);
    assert_int_equal(psv_otlp_json_span(&out, &span, 0, false), 0);
    const char *text = text_of(&out);
    assert_memory_equal(text, ",{", 2);
    assert_non_null(
        strstr(text, "\"parentSpanId\":\"1111111111111111\",\"traceState\":\"a=1,b=2\",\"flags\":769,"));
    assert_non_null(strstr(text, "{\"key\":\"error.type\",\"value\":{\"stringValue\":\"503\"}}"));
    assert_non_null(strstr(text, "\"status\":{\"code\":2}}"));
    assert_non_null(strstr(
        text, "\"parentSpanId\":\"00f067aa0ba902b7\",\"traceState\":\"a=1,b=2\",\"flags\":257,\"name\":"
              "\"queue\",\"kind\":1,\"startTimeUnixNano\":\"1500\",\"endTimeUnixNano\":\"2000\""));
    assert_non_null(strstr(
        text, "\"name\":\"php\",\"kind\":1,\"startTimeUnixNano\":\"2000\",\"endTimeUnixNano\":\"4000\""));
    psv_buffer_fini(&out);
}

static void texts_of_clients(void **state)
{
    (void)state;
    struct psv_buffer out;
    struct psv_otlp_span span = example();
    char all[255];
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)(i + 1);
    span.is_known_method = false;
    for (int i = 0; i < PSV_OTLP_TEXT_COUNT; i++)
        psv_otlp_span_set_text(&span, (enum psv_otlp_text)i, (struct psv_bytes){all, sizeof(all)});
    psv_buffer_init(&out, 1 << 20);
    assert_int_equal(psv_otlp_json_begin(&out, PSV_BYTES("{}"), "1"), 0);
    assert_int_equal(psv_otlp_json_span(&out, &span, 0, true), 0);
    assert_int_equal(psv_otlp_json_span(&out, &span, 0, false), 0);
    assert_int_equal(psv_otlp_json_end(&out), 0);
    assert_true(json_is_valid(out.data, out.len));
    assert_non_null(strstr(text_of(&out), "\"name\":\"HTTP\""));
    assert_non_null(
        strstr(out.data, "{\"key\":\"http.request.method\",\"value\":{\"stringValue\":\"_OTHER\"}}"));
    assert_non_null(strstr(out.data, "\\ufffd"));
    psv_buffer_fini(&out);
}

static void resources(void **state)
{
    static const struct {
        const char *name;
        const char *attributes;
        const char *expected; /* NULL: refused */
    } cases[] = {
        {"", "", "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"phpsrv\"}}]}"},
        {"shop", "", "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}]}"},
        {"", "service.name=a%2Cb", "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"a,b\"}}]}"},
        {"shop", "service.name=other,x=%22",
         "{\"key\":\"x\",\"value\":{\"stringValue\":\"\\u0022\"}},"
         "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}]}"},
        {"shop", " a = b , ,c=d",
         "{\"key\":\"a\",\"value\":{\"stringValue\":\"b\"}},"
         "{\"key\":\"c\",\"value\":{\"stringValue\":\"d\"}},"
         "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}]}"},
        {"", "a", NULL},
        {"", "=b", NULL},
        {"", "a=%2", NULL},
        {"", "a=%zz", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct psv_buffer out;
        struct psv_error error;
        psv_buffer_init(&out, 1 << 17);
        print_message("\"%s\", \"%s\"\n", cases[i].name, cases[i].attributes);
        int code = psv_otlp_json_resource(&out, cases[i].name, cases[i].attributes, &error);
        assert_int_equal(code, cases[i].expected != NULL ? PSV_OK : PSV_EINVAL);
        if (code == PSV_OK) {
            assert_true(json_is_valid(out.data, out.len));
            const char *text = text_of(&out);
            assert_string_equal(text + strlen(text) - strlen(cases[i].expected), cases[i].expected);
        } else {
            assert_non_null(strstr(error.message, "is not like key=value"));
        }
        psv_buffer_fini(&out);
    }
}

static void no_memory(void **state)
{
    (void)state;
    struct psv_otlp_span span = example();
    for (size_t room = 0; room < 16384; room += 1021) {
        struct psv_buffer out;
        psv_buffer_init(&out, room);
        assert_int_equal(psv_otlp_json_span(&out, &span, 0, true), PSV_ELIMIT);
        psv_buffer_fini(&out);
    }
}

static void answers(void **state)
{
    static const struct {
        const char *answer;
        uint64_t rejected;
    } cases[] = {
        {"", 0},
        {"{}", 0},
        {"{\"partialSuccess\":{}}", 0},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"12\",\"errorMessage\":\"x\"}}", 12},
        {"{\"partialSuccess\":{\"rejectedSpans\" : 7}}", 7},
        {"{\"partialSuccess\":{\"rejectedSpans\":", 0},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"", 0},
        {"\"rejectedSpans\"", 0},
        {"\"rejectedSpans\":-1", 0},
        {"\"rejectedSpans\":99999999999999999999999", 0},
        {"<html>\x01\xff", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(psv_otlp_json_rejected(psv_bytes_of(cases[i].answer)), cases[i].rejected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_span),    cmocka_unit_test(a_span_with_children_and_an_error),
        cmocka_unit_test(resources), cmocka_unit_test(texts_of_clients),
        cmocka_unit_test(no_memory), cmocka_unit_test(answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
