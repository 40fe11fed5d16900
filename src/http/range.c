/* Byte ranges (RFC 9110 14.1.2).  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "range.h"

#include <stdbool.h>
#include <string.h>

#include "base/macros.h"
#include "base/text_parse.h"
#include "field_list.h"

/* Takes digits from the front, saturating: a position beyond 64 bits is beyond every representation.  False
 * if there are none. */
static bool take_number(struct psv_bytes *text, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t len = 0;

    while (len < text->len && psv_ascii_is_digit(text->data[len])) {
        uint64_t digit = (uint64_t)(text->data[len] - '0');
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
        len++;
    }
    *text = psv_bytes_from(*text, len);
    *ret_value = value;
    return len > 0;
}

/* One member of the set, before the size is known. */
struct spec {
    bool has_first;
    bool has_last;
    uint64_t first; /* of a suffix: unused */
    uint64_t last;  /* of a suffix: its length */
};

static bool parse_spec(struct psv_bytes text, struct spec *ret_spec)
{
    struct spec spec = {0};

    spec.has_first = take_number(&text, &spec.first);
    if (text.len == 0 || text.data[0] != '-') {
        return false;
    }
    text = psv_bytes_from(text, 1);
    spec.has_last = take_number(&text, &spec.last);
    if (text.len > 0 || (!spec.has_first && !spec.has_last)) {
        return false;
    }
    if (spec.has_first && spec.has_last && spec.last < spec.first) {
        return false;
    }
    *ret_spec = spec;
    return true;
}

/* False when nothing of the representation is meant; size is above 0. */
static bool resolve(const struct spec *spec, uint64_t size, struct psv_range *ret_range)
{
    uint64_t last = spec->has_last ? MIN(spec->last, size - 1) : size - 1;

    if (!spec->has_first) {
        uint64_t len = MIN(spec->last, size);
        *ret_range = (struct psv_range){size - len, len};
        return len > 0;
    }
    if (spec->first >= size) {
        return false;
    }
    *ret_range = (struct psv_range){spec->first, last - spec->first + 1};
    return true;
}

static bool is_touching(struct psv_range a, struct psv_range b)
{
    return a.offset <= b.offset + b.len && b.offset <= a.offset + a.len;
}

/* Adds range, joined with all it overlaps or touches; the result stands at the place of the first of them. */
static unsigned add_joined(struct psv_range *ranges, unsigned len, struct psv_range range)
{
    unsigned place = len;
    unsigned kept = 0;

    /* what is there is disjoint and apart already, so the union grows over direct neighbours only: one pass
     * is enough */
    for (unsigned i = 0; i < len; i++) {
        if (is_touching(ranges[i], range)) {
            uint64_t offset = MIN(ranges[i].offset, range.offset);
            uint64_t end = MAX(ranges[i].offset + ranges[i].len, range.offset + range.len);
            range = (struct psv_range){offset, end - offset};
            if (place == len) {
                place = kept++;
            }
            continue;
        }
        ranges[kept++] = ranges[i];
    }
    if (place == len) {
        place = kept++;
    }
    ranges[place] = range;
    return kept;
}

enum psv_range_verdict psv_range_parse(struct psv_bytes value, uint64_t size, struct psv_range *ranges,
                                       unsigned max_ranges, unsigned *ret_len)
{
    static const struct psv_bytes unit = PSV_BYTES_INIT("bytes=");
    struct psv_bytes member;
    unsigned members = 0;
    unsigned len = 0;
    bool is_suffix_of_nothing = false;

    value = psv_bytes_trim(value);
    if (!psv_bytes_starts_with_case(value, unit)) {
        return PSV_RANGE_IGNORED;
    }
    value = psv_bytes_from(value, unit.len);
    while (psv_field_list_next(&value, &member)) {
        struct spec spec;
        struct psv_range range;

        if (members++ == max_ranges || !parse_spec(member, &spec)) {
            return PSV_RANGE_IGNORED;
        }
        if (size > 0 && resolve(&spec, size, &range)) {
            len = add_joined(ranges, len, range);
        }
        is_suffix_of_nothing |= size == 0 && !spec.has_first && spec.last > 0;
    }
    /* a suffix of an empty representation is satisfiable, but Content-Range cannot say so */
    if (members == 0 || is_suffix_of_nothing) {
        return PSV_RANGE_IGNORED;
    }
    if (len == 0) {
        return PSV_RANGE_UNSATISFIABLE;
    }
    *ret_len = len;
    return PSV_RANGE_PARTIAL;
}

size_t psv_range_format(char *out, struct psv_range range, uint64_t size)
{
    char *p = out;

    memcpy(p, "bytes ", 6);
    p += 6;
    p += psv_format_u64(p, range.offset);
    *p++ = '-';
    p += psv_format_u64(p, range.offset + range.len - 1);
    *p++ = '/';
    p += psv_format_u64(p, size);
    return (size_t)(p - out);
}

size_t psv_range_format_unsatisfied(char *out, uint64_t size)
{
    memcpy(out, "bytes */", 8);
    return 8 + psv_format_u64(out + 8, size);
}
