/* Decimal fractions as text without the locale's decimal point.  Any thread; pure.
 *
 * SPDX-License-Identifier: MIT */
#include "decimal.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"

static const uint64_t powers_of_ten[] = {1,      10,      100,      1000,      10000,
                                         100000, 1000000, 10000000, 100000000, 1000000000};

static size_t copy_text(char *out, const char *text)
{
    size_t len = strlen(text);
    memcpy(out, text, len + 1);
    return len;
}

size_t psv_decimal_format_scaled(char out[PSV_DECIMAL_BYTES], uint64_t units, unsigned fraction_digits)
{
    INVARIANT(fraction_digits <= 9);
    uint64_t whole = units / powers_of_ten[fraction_digits];
    uint64_t fraction = units % powers_of_ten[fraction_digits];
    size_t len = (size_t)snprintf(out, PSV_DECIMAL_BYTES, "%" PRIu64, whole);
    if (fraction == 0) {
        return len;
    }
    len +=
        (size_t)snprintf(out + len, PSV_DECIMAL_BYTES - len, ".%0*" PRIu64, (int)fraction_digits, fraction);
    while (out[len - 1] == '0') {
        out[--len] = '\0';
    }
    return len;
}

size_t psv_decimal_format(char out[PSV_DECIMAL_BYTES], double value, unsigned fraction_digits)
{
    INVARIANT(fraction_digits <= 9);
    if (isnan(value)) {
        return copy_text(out, "NaN");
    }
    if (isinf(value)) {
        return copy_text(out, value > 0 ? "+Inf" : "-Inf");
    }
    double scaled = fabs(value) * (double)powers_of_ten[fraction_digits];
    if (scaled >= 18e18) {
        /* Beyond 2^53 there are no fractions left to print; %.0f knows no decimal point. */
        return (size_t)snprintf(out, PSV_DECIMAL_BYTES, "%.0f", value);
    }
    uint64_t units = (uint64_t)(scaled + 0.5);
    size_t sign = value < 0 && units > 0 ? 1 : 0;
    out[0] = '-';
    /* The sign takes one byte of the room, which has hundreds to spare for a 64-bit number. */
    char digits[PSV_DECIMAL_BYTES];
    size_t len = psv_decimal_format_scaled(digits, units, fraction_digits);
    memcpy(out + sign, digits, len + 1);
    return len + sign;
}
