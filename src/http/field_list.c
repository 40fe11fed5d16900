/* Members and parameters of list-shaped field values.  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "field_list.h"

/* Index of the first separator outside quoted strings, or the length.  An unfinished string reaches to the
 * end. */
static size_t find_unquoted(struct psv_bytes text, char separator)
{
    bool is_quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (is_quoted && c == '\\') {
            i++;
        } else if (c == '"') {
            is_quoted = !is_quoted;
        } else if (c == separator && !is_quoted) {
            return i;
        }
    }
    return text.len;
}

bool psv_field_list_next(struct psv_bytes *rest, struct psv_bytes *ret_member)
{
    while (rest->len > 0) {
        size_t end = find_unquoted(*rest, ',');
        struct psv_bytes member = psv_bytes_trim(psv_bytes_first(*rest, end));

        *rest = psv_bytes_from(*rest, end + 1);
        if (member.len > 0) {
            *ret_member = member;
            return true;
        }
    }
    return false;
}

bool psv_field_parameter_next(struct psv_bytes *rest, struct psv_bytes *ret_part)
{
    size_t end;

    if (rest->len == 0) {
        return false;
    }
    end = find_unquoted(*rest, ';');
    *ret_part = psv_bytes_trim(psv_bytes_first(*rest, end));
    *rest = psv_bytes_from(*rest, end + 1);
    return true;
}

/* qvalue: "0" or "1", up to three decimals, never above 1 (RFC 9110 12.4.2). */
static unsigned parse_weight(struct psv_bytes text)
{
    unsigned weight;
    unsigned scale = 100;

    if (text.len == 0 || text.len > 5 || (text.data[0] != '0' && text.data[0] != '1') ||
        (text.len > 1 && text.data[1] != '.')) {
        return 0;
    }
    weight = text.data[0] == '1' ? 1000 : 0;
    for (size_t i = 2; i < text.len; i++) {
        if (!psv_ascii_is_digit(text.data[i])) {
            return 0;
        }
        weight += (unsigned)(text.data[i] - '0') * scale;
        scale /= 10;
    }
    return weight <= 1000 ? weight : 0;
}

unsigned psv_field_weight(struct psv_bytes parameters)
{
    struct psv_bytes part;

    while (psv_field_parameter_next(&parameters, &part)) {
        if (part.len >= 2 && psv_ascii_lower(part.data[0]) == 'q' && part.data[1] == '=') {
            return parse_weight(psv_bytes_from(part, 2));
        }
    }
    return 1000;
}
