/* Decimal fractions, in a locale with a comma too.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <string.h>

#include "base/macros.h"
#include "observe/decimal.h"
#include "observe/time_text.h"

static void doubles(void **state)
{
    (void)state;
    static const struct {
        double value;
        unsigned digits;
        const char *text;
    } cases[] = {
        {0, 6, "0"},
        {1, 6, "1"},
        {1.5, 6, "1.5"},
        {-1.5, 6, "-1.5"},
        {0.1, 6, "0.1"},
        {0.0000004, 6, "0"},
        {-0.0000004, 6, "0"},
        {0.0000006, 6, "0.000001"},
        {0.9999999, 6, "1"},
        {123456.789, 2, "123456.79"},
        {2.5, 0, "3"},
        {1e17, 0, "100000000000000000"},
        {1e20, 9, "100000000000000000000"},
        {-1e20, 9, "-100000000000000000000"},
        {NAN, 6, "NaN"},
        {INFINITY, 6, "+Inf"},
        {-INFINITY, 6, "-Inf"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char out[PSV_DECIMAL_BYTES];
        assert_int_equal(psv_decimal_format(out, cases[i].value, cases[i].digits), strlen(cases[i].text));
        assert_string_equal(out, cases[i].text);
    }
    char out[PSV_DECIMAL_BYTES];
    assert_int_equal(psv_decimal_format(out, -1.7976931348623157e308, 9), 310);
}

static void scaled(void **state)
{
    (void)state;
    static const struct {
        uint64_t units;
        unsigned digits;
        const char *text;
    } cases[] = {
        {0, 9, "0"},
        {1, 9, "0.000000001"},
        {1500000000, 9, "1.5"},
        {1000000000, 9, "1"},
        {42, 0, "42"},
        {1050, 3, "1.05"},
        {10, 1, "1"},
        {UINT64_MAX, 0, "18446744073709551615"},
        {UINT64_MAX, 9, "18446744073.709551615"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char out[PSV_DECIMAL_BYTES];
        assert_int_equal(psv_decimal_format_scaled(out, cases[i].units, cases[i].digits),
                         strlen(cases[i].text));
        assert_string_equal(out, cases[i].text);
    }
}

static void the_locale_does_not_matter(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "C.UTF-8"};
    for (size_t i = 0; i < ARRAY_SIZE(names) && setlocale(LC_ALL, names[i]) == NULL; i++) {
    }
    print_message("locale %s, decimal point \"%s\"\n", setlocale(LC_ALL, NULL), localeconv()->decimal_point);
    doubles(state);
    scaled(state);
    assert_non_null(setlocale(LC_ALL, "C"));
}

static void times(void **state)
{
    (void)state;
    static const struct {
        uint64_t unix_us;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {UINT64_C(1769860800123456), "2026-01-31T12:00:00.123Z"},
        {UINT64_C(951782400000000), "2000-02-29T00:00:00.000Z"},
        {UINT64_C(951868799999999), "2000-02-29T23:59:59.999Z"},
        {UINT64_C(951868800000000), "2000-03-01T00:00:00.000Z"},
        {UINT64_C(1709164800000000), "2024-02-29T00:00:00.000Z"},
        {UINT64_C(1735689599000000), "2024-12-31T23:59:59.000Z"},
        {UINT64_C(1735689600000000), "2025-01-01T00:00:00.000Z"},
        {UINT64_C(4107542400000000), "2100-03-01T00:00:00.000Z"},
        {UINT64_C(253402300799999999), "9999-12-31T23:59:59.999Z"},
        {UINT64_C(253402300800000000), "9999-12-31T23:59:59.999Z"},
        {UINT64_MAX, "9999-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char out[PSV_TIME_TEXT_LEN + 1] = "";
        psv_time_format(out, cases[i].unix_us);
        assert_string_equal(out, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles),
        cmocka_unit_test(scaled),
        cmocka_unit_test(the_locale_does_not_matter),
        cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
