/* Numbers, sizes and durations from and to text.  Pure; no locale, no errno.
 *
 * SPDX-License-Identifier: MIT */
#include "text_parse.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "error.h"

struct unit {
    struct psv_bytes name;
    uint64_t factor;
};

/* largest first: formatting takes the first that divides */
static const struct unit size_units[] = {
    {PSV_BYTES_INIT("T"), UINT64_C(1) << 40},
    {PSV_BYTES_INIT("G"), UINT64_C(1) << 30},
    {PSV_BYTES_INIT("M"), UINT64_C(1) << 20},
    {PSV_BYTES_INIT("K"), UINT64_C(1) << 10},
};

static const struct unit duration_units[] = {
    {PSV_BYTES_INIT("w"), 604800000}, {PSV_BYTES_INIT("d"), 86400000}, {PSV_BYTES_INIT("h"), 3600000},
    {PSV_BYTES_INIT("m"), 60000},     {PSV_BYTES_INIT("s"), 1000},     {PSV_BYTES_INIT("ms"), 1},
};

/* Index of the first byte that is no digit. */
static size_t count_digits(struct psv_bytes text)
{
    size_t len = 0;
    while (len < text.len && psv_ascii_is_digit(text.data[len]))
        len++;
    return len;
}

int psv_parse_u64(struct psv_bytes text, uint64_t *ret_value)
{
    if (text.len == 0 || count_digits(text) != text.len)
        return PSV_ESYNTAX;
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, digit, &value))
            return PSV_ERANGE;
    }
    *ret_value = value;
    return 0;
}

static int hex_digit(char c)
{
    if (psv_ascii_is_digit(c))
        return c - '0';
    char lower = psv_ascii_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

int psv_parse_hex(struct psv_bytes text, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = hex_digit(text.data[i]);
        if (digit < 0)
            return PSV_ESYNTAX;
        value = value << 4 | (uint64_t)digit;
    }
    if (text.len == 0)
        return PSV_ESYNTAX;
    if (text.len > 16)
        return PSV_ERANGE;
    *ret_value = value;
    return 0;
}

int psv_parse_size(struct psv_bytes text, uint64_t *ret_bytes)
{
    size_t digits = count_digits(text);
    struct psv_bytes suffix = psv_bytes_from(text, digits);
    uint64_t factor = 1;
    if (suffix.len > 0) {
        if (suffix.len == 3 && psv_bytes_equal_case(psv_bytes_from(suffix, 1), PSV_BYTES("iB")))
            suffix.len = 1;
        factor = 0;
        for (size_t i = 0; i < ARRAY_SIZE(size_units); i++) {
            if (psv_bytes_equal_case(suffix, size_units[i].name))
                factor = size_units[i].factor;
        }
        if (factor == 0)
            return PSV_ESYNTAX;
    }
    uint64_t count;
    int error = psv_parse_u64(psv_bytes_first(text, digits), &count);
    if (error != 0)
        return error;
    if (__builtin_mul_overflow(count, factor, &count))
        return PSV_ERANGE;
    *ret_bytes = count;
    return 0;
}

/* The digits after the point as milliseconds: exact, or PSV_ERANGE. */
static int parse_fraction(struct psv_bytes digits, uint64_t factor, uint64_t *ret_ms)
{
    while (digits.len > 0 && digits.data[digits.len - 1] == '0')
        digits.len--;
    uint64_t value = 0;
    uint64_t scale = 1;
    if (digits.len > 9)
        return PSV_ERANGE; /* no unit above divides that finely */
    for (size_t i = 0; i < digits.len; i++) {
        value = value * 10 + (uint64_t)(digits.data[i] - '0');
        scale *= 10;
    }
    value *= factor; /* below 10^9 x 6.1 x 10^8 */
    if (value % scale != 0)
        return PSV_ERANGE;
    *ret_ms = value / scale;
    return 0;
}

int psv_parse_duration(struct psv_bytes text, uint64_t *ret_ms)
{
    struct psv_bytes whole = psv_bytes_first(text, count_digits(text));
    struct psv_bytes rest = psv_bytes_from(text, whole.len);
    struct psv_bytes fraction = PSV_BYTES_EMPTY;
    if (rest.len > 0 && rest.data[0] == '.') {
        rest = psv_bytes_from(rest, 1);
        fraction = psv_bytes_first(rest, count_digits(rest));
        rest = psv_bytes_from(rest, fraction.len);
        if (fraction.len == 0)
            return PSV_ESYNTAX;
    }
    uint64_t factor = rest.len == 0 ? 1000 : 0;
    for (size_t i = 0; i < ARRAY_SIZE(duration_units); i++) {
        if (psv_bytes_equal(rest, duration_units[i].name))
            factor = duration_units[i].factor;
    }
    if (factor == 0)
        return PSV_ESYNTAX;

    uint64_t ms;
    uint64_t fraction_ms;
    int error = psv_parse_u64(whole, &ms);
    if (error == 0)
        error = parse_fraction(fraction, factor, &fraction_ms);
    if (error != 0)
        return error;
    if (__builtin_mul_overflow(ms, factor, &ms) || __builtin_add_overflow(ms, fraction_ms, &ms))
        return PSV_ERANGE;
    *ret_ms = ms;
    return 0;
}

int psv_parse_bool(struct psv_bytes text, bool *ret_value)
{
    static const struct psv_bytes words[][2] = {
        {PSV_BYTES_INIT("false"), PSV_BYTES_INIT("true")},
        {PSV_BYTES_INIT("off"), PSV_BYTES_INIT("on")},
        {PSV_BYTES_INIT("no"), PSV_BYTES_INIT("yes")},
        {PSV_BYTES_INIT("0"), PSV_BYTES_INIT("1")},
    };
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        for (size_t value = 0; value < 2; value++) {
            if (psv_bytes_equal_case(text, words[i][value])) {
                *ret_value = value == 1;
                return 0;
            }
        }
    }
    return PSV_ESYNTAX;
}

static const char decimal_pairs[201] = "0001020304050607080910111213141516171819"
                                       "2021222324252627282930313233343536373839"
                                       "4041424344454647484950515253545556575859"
                                       "6061626364656667686970717273747576777879"
                                       "8081828384858687888990919293949596979899";

static unsigned count_decimal_digits(uint64_t value)
{
    unsigned count = 1;
    for (; value >= 10000; value /= 10000)
        count += 4;
    return count + (value >= 10) + (value >= 100) + (value >= 1000);
}

size_t psv_format_u64(char *out, uint64_t value)
{
    if (value < 10) {
        out[0] = (char)('0' + value);
        return 1;
    }
    unsigned len = count_decimal_digits(value);
    unsigned at = len;
    while (value >= 100) {
        at -= 2;
        memcpy(out + at, decimal_pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10) {
        memcpy(out, decimal_pairs + value * 2, 2);
    } else {
        out[0] = (char)('0' + value);
    }
    return len;
}

size_t psv_format_i64(char *out, int64_t value)
{
    if (value >= 0)
        return psv_format_u64(out, (uint64_t)value);
    out[0] = '-';
    return 1 + psv_format_u64(out + 1, 0 - (uint64_t)value);
}

size_t psv_format_hex(char *out, uint64_t value)
{
    size_t len = 1;
    while (len < 16 && value >> (4 * len) != 0)
        len++;
    for (size_t i = 0; i < len; i++)
        out[i] = "0123456789abcdef"[value >> (4 * (len - 1 - i)) & 15];
    return len;
}

/* value in its largest exact unit, with NUL; 0 when it does not fit. */
static size_t format_in_units(char *out, size_t out_size, uint64_t value, const struct unit *units,
                              size_t units_len)
{
    struct psv_bytes name = PSV_BYTES_EMPTY;
    for (size_t i = 0; i < units_len && value != 0; i++) {
        if (value % units[i].factor == 0) {
            value /= units[i].factor;
            name = units[i].name;
            break;
        }
    }
    char digits[20];
    size_t len = psv_format_u64(digits, value);
    if (len + name.len >= out_size)
        return 0;
    memcpy(out, digits, len);
    if (name.len > 0)
        memcpy(out + len, name.data, name.len);
    out[len + name.len] = '\0';
    return len + name.len;
}

size_t psv_format_size(char *out, size_t out_size, uint64_t bytes)
{
    return format_in_units(out, out_size, bytes, size_units, ARRAY_SIZE(size_units));
}

size_t psv_format_duration(char *out, size_t out_size, uint64_t ms)
{
    return format_in_units(out, out_size, ms, duration_units, ARRAY_SIZE(duration_units));
}

#define EDIT_MAX 64

unsigned psv_edit_distance(struct psv_bytes a, struct psv_bytes b)
{
    if (a.len > EDIT_MAX || b.len > EDIT_MAX)
        return UINT_MAX;

    /* Rows of the distance table: [i % 3] is the current one, the two others are its predecessors.  Swapped
     * neighbours count as one edit: the commonest slip of the hand. */
    unsigned rows[3][EDIT_MAX + 1];
    for (unsigned j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];
        const unsigned *second_above = rows[(i + 1) % 3];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            bool is_same = a.data[i - 1] == b.data[j - 1];
            unsigned best = above[j - 1] + (is_same ? 0 : 1);
            best = MIN(best, above[j] + 1);
            best = MIN(best, row[j - 1] + 1);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1])
                best = MIN(best, second_above[j - 2] + 1);
            row[j] = best;
        }
    }
    return rows[a.len % 3][b.len];
}
