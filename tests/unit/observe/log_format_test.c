/* Log lines: exact forms, hostile values, lines that do not fit.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "json_check.h"
#include "observe/log_format.h"

#define ROOM 2040
#define NOON UINT64_C(1769860800123456)

static const char *as_text(const struct psv_log_event *event, bool has_colour)
{
    static char out[ROOM + 1];
    size_t len = psv_log_format_text(out, ROOM, event, has_colour);
    assert_true(len <= ROOM);
    out[len] = '\0';
    return out;
}

static const char *as_json(const struct psv_log_event *event)
{
    static char out[ROOM + 1];
    size_t len = psv_log_format_json(out, ROOM, event);
    assert_true(len <= ROOM);
    assert_true(json_is_valid(out, len));
    out[len] = '\0';
    return out;
}

static void exact_forms(void **state)
{
    (void)state;
    const struct psv_log_field fields[] = {
        PSV_LOG_TEXT("address", "127.0.0.1:8080"),
        PSV_LOG_U64("workers", 8),
        PSV_LOG_I64("delta", -3),
        PSV_LOG_SECONDS("took", 0.0125),
        PSV_LOG_BOOL("is_tls", true),
        PSV_LOG_TEXT("name", "a b"),
        PSV_LOG_TEXT("empty", ""),
    };
    struct psv_log_event event = {.level = PSV_LOG_INFO,
                                  .name = "server.ready",
                                  .fields = fields,
                                  .fields_len = ARRAY_SIZE(fields),
                                  .unix_us = NOON};
    assert_string_equal(
        as_text(&event, false),
        "2026-01-31T12:00:00.123Z INFO  server.ready address=127.0.0.1:8080 workers=8 delta=-3 "
        "took=0.0125 is_tls=true name=\"a b\" empty=\"\"\n");
    assert_string_equal(as_json(&event),
                        "{\"ts\":\"2026-01-31T12:00:00.123Z\",\"level\":\"info\",\"event\":\"server.ready\","
                        "\"address\":\"127.0.0.1:8080\",\"workers\":8,\"delta\":-3,\"took\":0.0125,"
                        "\"is_tls\":true,\"name\":\"a b\",\"empty\":\"\"}\n");
    event.fields_len = 0;
    event.level = PSV_LOG_ERROR;
    assert_string_equal(as_text(&event, true),
                        "\033[2m12:00:00.123\033[0m \033[31mERROR\033[0m server.ready\n");
    event.fields_len = 2;
    assert_string_equal(as_text(&event, true),
                        "\033[2m12:00:00.123\033[0m \033[31mERROR\033[0m server.ready            \033[2m "
                        "address=127.0.0.1:8080\033[0m\033[2m workers=8\033[0m\n");
    event.fields_len = 0;
    assert_string_equal(
        as_json(&event),
        "{\"ts\":\"2026-01-31T12:00:00.123Z\",\"level\":\"error\",\"event\":\"server.ready\"}\n");
}

static const char *as_caddy(const struct psv_log_event *event, size_t room)
{
    static char out[ROOM + 1];
    size_t len = psv_log_format_caddy(out, room, event);
    assert_true(len <= room);
    assert_true(json_is_valid(out, len));
    out[len] = '\0';
    return out;
}

/* Whoever reads Caddy's log finds a level and a text for people in each line. */
static void caddy_form(void **state)
{
    (void)state;
    static char text[3000];
    const struct psv_log_field fields[] = {PSV_LOG_U64("worker", 8), PSV_LOG_TEXT("message", "a \"b\"\n")};
    const struct psv_log_field reasons[] = {PSV_LOG_TEXT("reason", "no room"), PSV_LOG_BOOL("is_tls", true)};
    struct psv_log_event event = {
        .level = PSV_LOG_WARN, .name = "php.message", .fields = fields, .fields_len = 2, .unix_us = NOON};
    assert_string_equal(as_caddy(&event, ROOM),
                        "{\"level\":\"warn\",\"ts\":1769860800.123456,\"logger\":\"phpsrv\","
                        "\"event\":\"php.message\",\"msg\":\"a \\\"b\\\"\\n\",\"worker\":8}\n");
    event.fields = reasons;
    assert_string_equal(as_caddy(&event, ROOM),
                        "{\"level\":\"warn\",\"ts\":1769860800.123456,\"logger\":\"phpsrv\","
                        "\"event\":\"php.message\",\"msg\":\"php.message: no room\",\"is_tls\":true}\n");
    event.fields_len = 0;
    event.unix_us = UINT64_C(1000000) * 7 + 5;
    assert_string_equal(as_caddy(&event, ROOM), "{\"level\":\"warn\",\"ts\":7.000005,\"logger\":\"phpsrv\","
                                                "\"event\":\"php.message\",\"msg\":\"php.message\"}\n");
    memset(text, '"', sizeof(text) - 1);
    const struct psv_log_field huge[] = {PSV_LOG_TEXT("message", text), PSV_LOG_TEXT("reason", text)};
    event.fields = huge;
    event.fields_len = 2;
    for (size_t room = PSV_LOG_ROOM_MIN; room <= ROOM; room += 61) {
        assert_non_null(strstr(as_caddy(&event, room), "\"truncated\":true}"));
    }
    event.fields = huge + 1;
    event.fields_len = 1;
    assert_non_null(strstr(as_caddy(&event, PSV_LOG_ROOM_MIN), "\"truncated\":true}"));
}

static void hostile_values(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        const char *text; /* after "v=" */
        const char *json; /* after "v": */
    } cases[] = {
        {"a\nb", "\"a\\nb\"", "\"a\\nb\""},
        {"\r\t", "\"\\r\\t\"", "\"\\r\\t\""},
        {"\x1b[31m", "\"\\u001b[31m\"", "\"\\u001b[31m\""},
        {"\x7f", "\"\\u007f\"", "\"\\u007f\""},
        {"x\" level=error", "\"x\\\" level=error\"", "\"x\\\" level=error\""},
        {"a=b", "\"a=b\"", "\"a=b\""},
        {"App\\Kernel", "\"App\\\\Kernel\"", "\"App\\\\Kernel\""},
        {"\xc3\xbc", "\"\xc3\xbc\"", "\"\xc3\xbc\""},
        {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"", "\"\xf0\x9f\x98\x80\""},
        {"\xff", "\"\\xff\"", "\"\\\\xff\""},
        {"\xc3", "\"\\xc3\"", "\"\\\\xc3\""},                                 /* cut sequence */
        {"\xc0\xaf", "\"\\xc0\\xaf\"", "\"\\\\xc0\\\\xaf\""},                 /* overlong */
        {"\xed\xa0\x80", "\"\\xed\\xa0\\x80\"", "\"\\\\xed\\\\xa0\\\\x80\""}, /* surrogate */
        {"\xf4\x90\x80\x80", "\"\\xf4\\x90\\x80\\x80\"", "\"\\\\xf4\\\\x90\\\\x80\\\\x80\""},
        {"\xc2\x9b"
         "2J",
         "\"\\u009b2J\"", "\"\\u009b2J\""}, /* C1: control sequence introducer */
        {"\xe2\x80\xae"
         "x",
         "\"\\u202ex\"", "\"\\u202ex\""}, /* right-to-left override */
        {"\xe2\x80\xa8", "\"\\u2028\"", "\"\\u2028\""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct psv_log_field field = PSV_LOG_TEXT("v", cases[i].value);
        struct psv_log_event event = {
            .level = PSV_LOG_WARN, .name = "e", .fields = &field, .fields_len = 1, .unix_us = 0};
        char expected[200];
        (void)snprintf(expected, sizeof(expected), "1970-01-01T00:00:00.000Z WARN  e v=%s\n", cases[i].text);
        assert_string_equal(as_text(&event, false), expected);
        (void)snprintf(expected, sizeof(expected),
                       "{\"ts\":\"1970-01-01T00:00:00.000Z\",\"level\":\"warn\",\"event\":\"e\",\"v\":%s}\n",
                       cases[i].json);
        assert_string_equal(as_json(&event), expected);
    }
}

static void nul_bytes_and_odd_numbers(void **state)
{
    (void)state;
    const struct psv_log_field fields[] = {PSV_LOG_BYTES("v", ((struct psv_bytes){"a\0b", 3})),
                                           PSV_LOG_BYTES("n", PSV_BYTES_EMPTY),
                                           PSV_LOG_SECONDS("x", NAN),
                                           PSV_LOG_SECONDS("y", INFINITY),
                                           PSV_LOG_U64("z", UINT64_MAX),
                                           PSV_LOG_I64("i", INT64_MIN)};
    struct psv_log_event event = {.level = PSV_LOG_DEBUG,
                                  .name = "e",
                                  .fields = fields,
                                  .fields_len = ARRAY_SIZE(fields),
                                  .unix_us = 0};
    assert_string_equal(as_text(&event, false),
                        "1970-01-01T00:00:00.000Z DEBUG e v=\"a\\u0000b\" n=\"\" x=NaN y=+Inf "
                        "z=18446744073709551615 i=-9223372036854775808\n");
    assert_non_null(strstr(
        as_json(&event), "\"v\":\"a\\u0000b\",\"n\":\"\",\"x\":null,\"y\":null,\"z\":18446744073709551615"));
}

/* Every room and every length of a value: the line never leaves its room, ends properly, and JSON stays JSON.
 */
static void truncation(void **state)
{
    (void)state;
    static const char *const units[] = {"x", "\"", "\x01", "\xff", "\xc3\xbc", "\xe2\x82\xac"};
    char value[ROOM];
    char *out = NULL;
    unsigned cut = 0;
    for (size_t unit = 0; unit < ARRAY_SIZE(units); unit++) {
        for (size_t len = 0; len < 330; len++) {
            value[0] = '\0';
            for (size_t i = 0; i < len; i++) {
                strncat(value, units[unit], sizeof(value) - strlen(value) - 1);
            }
            const struct psv_log_field fields[] = {
                PSV_LOG_TEXT("value", value), PSV_LOG_U64("number", 123456), PSV_LOG_TEXT("last", "end")};
            struct psv_log_event event = {.level = PSV_LOG_INFO,
                                          .name = "test.event",
                                          .fields = fields,
                                          .fields_len = ARRAY_SIZE(fields),
                                          .unix_us = NOON};
            out = test_malloc(PSV_LOG_ROOM_MIN); /* guarded on both sides */
            size_t json_len = psv_log_format_json(out, PSV_LOG_ROOM_MIN, &event);
            assert_true(json_len <= PSV_LOG_ROOM_MIN && out[json_len - 1] == '\n');
            assert_true(json_is_valid(out, json_len));
            bool is_cut = memmem(out, json_len, ",\"truncated\":true}", 18) != NULL;
            bool has_last = memmem(out, json_len, "\"last\":\"end\"", 12) != NULL;
            assert_int_equal(is_cut, !has_last);
            cut += is_cut;

            size_t text_len = psv_log_format_text(out, PSV_LOG_ROOM_MIN, &event, true);
            assert_true(text_len <= PSV_LOG_ROOM_MIN && out[text_len - 1] == '\n');
            assert_null(memchr(out, '\n', text_len - 1));
            is_cut = memmem(out, text_len, " truncated=true\n", 16) != NULL;
            assert_int_equal(is_cut, memmem(out, text_len, " last=end\033[0m\n", 14) == NULL);
            test_free(out);
        }
    }
    assert_true(cut > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_forms),    cmocka_unit_test(caddy_form),
        cmocka_unit_test(hostile_values), cmocka_unit_test(nul_bytes_and_odd_numbers),
        cmocka_unit_test(truncation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
