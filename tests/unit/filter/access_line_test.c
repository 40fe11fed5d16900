/* Numbers of a line of the access log.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/macros.h"
#include "filter/access_line.h"

static const struct {
    uint64_t ns;
    const char *ms;
    const char *seconds;
} rows[] = {
    {0, "0.000", "0.000000"},
    {999, "0.000", "0.000000"},
    {1000, "0.001", "0.000001"},
    {45678, "0.045", "0.000045"},
    {999999, "0.999", "0.000999"},
    {1000000, "1.000", "0.001000"},
    {9999999, "9.999", "0.009999"},
    {12345678, "12.345", "0.012345"},
    {UINT64_C(1234567890123), "1234567.890", "1234.567890"},
    {UINT64_MAX, "18446744073709.551", "18446744073.709551"},
};

static void durations(void **state)
{
    (void)state;
    char out[64];
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct psv_access_line line = {.out = out, .size = sizeof(out)};
        psv_access_line_put_ms(&line, rows[i].ns);
        out[line.len] = '\0';
        assert_string_equal(out, rows[i].ms);
        line.len = 0;
        psv_access_line_put_seconds(&line, rows[i].ns);
        out[line.len] = '\0';
        assert_string_equal(out, rows[i].seconds);
    }
}

/* A number may end where the room ends. */
static void numbers(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        const char *text;
    } values[] = {{0, "0"}, {9, "9"}, {10, "10"}, {200, "200"}, {UINT64_MAX, "18446744073709551615"}};
    char out[64];
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        size_t len = strlen(values[i].text);
        const size_t sizes[] = {sizeof(out), len};
        for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
            struct psv_access_line line = {.out = out, .size = sizes[k]};
            memset(out, '#', sizeof(out));
            psv_access_line_put_u64(&line, values[i].value);
            assert_int_equal(line.len, len);
            assert_memory_equal(out, values[i].text, len);
            assert_int_equal(out[sizes[k] % sizeof(out) == len ? len : sizeof(out) - 1], '#');
        }
    }
}

/* Plain texts are copied by words, others byte by byte: with the same outcome where they meet. */
static void escaped_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t max;
        const char *expected;
    } texts[] = {
        {"", 3, ""},
        {"abc", 6, "abc"},
        {"abcd", 6, "abc..."},
        {"0123456789abcdefg", 20, "0123456789abcdefg"},
        {"0123456789abcdefg", 19, "0123456789abcdef..."},
        {"0123456789abcdef\"", 21, "0123456789abcdef\\\""},
        {"0123456789abcdef\"", 20, "0123456789abcdef..."},
        {"a\"", 7, "a\\\""},
        {"gr\xc3\xbc\xc3\x9f", 9, "gr\xc3\xbc\xc3\x9f"},
        {"caf\xe9 au lait", 40, "caf\\u00e9 au lait"},
        {"tab\there and there", 40, "tab\\u0009here and there"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        char out[64];
        struct psv_access_line line = {.out = out, .size = texts[i].max};
        psv_access_line_put_escaped(&line, psv_bytes_of(texts[i].text), PSV_ACCESS_ESCAPE_JSON, texts[i].max);
        assert_int_equal(line.len, strlen(texts[i].expected));
        assert_memory_equal(out, texts[i].expected, line.len);
        char expected[80];
        (void)snprintf(expected, sizeof(expected), texts[i].text[0] != '\0' ? "\"%s\"" : "null",
                       texts[i].expected);
        line = (struct psv_access_line){.out = out, .size = MAX(texts[i].max + 2, strlen("null"))};
        psv_access_line_put_json(&line, psv_bytes_of(texts[i].text), texts[i].max);
        assert_int_equal(line.len, strlen(expected));
        assert_memory_equal(out, expected, line.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(durations), cmocka_unit_test(numbers),
                                       cmocka_unit_test(escaped_texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
