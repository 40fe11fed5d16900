/* Numbers of a line of the access log.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(durations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
