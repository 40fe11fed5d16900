/* See path_rules.h.  Segments are compared one by one; nothing is copied.
 *
 * SPDX-License-Identifier: MIT */
#include "path_rules.h"

/* Length of the slash that text begins with; 0: none. */
static size_t slash_len(struct psv_bytes text, bool takes_encoded)
{
    if (text.len > 0 && text.data[0] == '/') {
        return 1;
    }
    return takes_encoded && psv_bytes_equal_case(psv_bytes_first(text, 3), PSV_BYTES("%2f")) ? 3 : 0;
}

bool psv_path_has_encoded_slash(struct psv_bytes path)
{
    for (size_t i = 0; i + 3 <= path.len; i++) {
        if (path.data[i] == '%' && slash_len(psv_bytes_from(path, i), true) == 3) {
            return true;
        }
    }
    return false;
}

static bool is_dots(struct psv_bytes segment, size_t len)
{
    return psv_bytes_equal(segment, psv_bytes_first(PSV_BYTES(".."), len));
}

/* The next segment that is not empty; false at the end. */
static bool next_segment(struct psv_bytes *rest, bool takes_encoded, struct psv_bytes *ret_segment)
{
    size_t len = 0;
    size_t slash;

    while ((slash = slash_len(*rest, takes_encoded)) > 0) {
        *rest = psv_bytes_from(*rest, slash);
    }
    while (len < rest->len && slash_len(psv_bytes_from(*rest, len), takes_encoded) == 0) {
        len++;
    }
    *ret_segment = psv_bytes_first(*rest, len);
    *rest = psv_bytes_from(*rest, len);
    return len > 0;
}

const char *psv_path_prefix_parse(struct psv_bytes text, struct psv_bytes *ret_prefix)
{
    struct psv_bytes prefix = text;
    struct psv_bytes rest;
    struct psv_bytes segment;

    if (text.len == 0 || text.data[0] != '/') {
        return "the prefix of a path begins with a slash";
    }
    while (prefix.len > 0 && prefix.data[prefix.len - 1] == '/') {
        prefix.len--;
    }
    for (size_t i = 1; i < prefix.len; i++) {
        if (prefix.data[i] == '/' && prefix.data[i - 1] == '/') {
            return "the prefix has two slashes in a row; requests' paths never have";
        }
        if (prefix.data[i] == '?' || prefix.data[i] == '*') {
            return "the prefix is a plain path, without * and ?; all that is below it is covered";
        }
        if (prefix.data[i] == '%') {
            return "the prefix is a decoded path: write characters, not their %-codes";
        }
    }
    rest = prefix;
    while (next_segment(&rest, false, &segment)) {
        if (is_dots(segment, 1) || is_dots(segment, 2)) {
            return "the prefix has a . or .. segment; requests' paths never have";
        }
    }
    *ret_prefix = prefix;
    return NULL;
}

/* depth: segments of the path so far; matched: how many of them, from the first on, are the prefix's.  A ".."
 * takes the last one back, and the prefix's with it when it was that. */
bool psv_path_is_below(struct psv_bytes path, struct psv_bytes prefix, enum psv_path_view view)
{
    bool takes_encoded = view != PSV_PATH_PLAIN;
    struct psv_bytes segment;
    struct psv_bytes wanted_rest = prefix;
    struct psv_bytes wanted;
    size_t matched = 0;
    size_t depth = 0;

    bool has_wanted = next_segment(&wanted_rest, false, &wanted);
    while (next_segment(&path, takes_encoded, &segment)) {
        if (view == PSV_PATH_RESOLVED && is_dots(segment, 1)) {
            continue;
        }
        if (view == PSV_PATH_RESOLVED && is_dots(segment, 2)) {
            depth -= depth > 0;
            if (matched > depth) {
                matched = depth;
                wanted_rest = prefix;
                has_wanted = next_segment(&wanted_rest, false, &wanted);
                for (size_t i = 0; i < matched; i++) {
                    has_wanted = next_segment(&wanted_rest, false, &wanted);
                }
            }
            continue;
        }
        if (matched == depth && has_wanted && psv_bytes_equal_case(segment, wanted)) {
            matched++;
            has_wanted = next_segment(&wanted_rest, false, &wanted);
        }
        depth++;
    }
    return !has_wanted;
}

bool psv_path_find_behind(struct psv_bytes path, struct psv_bytes name, struct psv_bytes *ret_rest)
{
    struct psv_bytes segment;

    while (next_segment(&path, true, &segment)) {
        if (psv_bytes_equal_case(segment, name)) {
            *ret_rest = path;
            return true;
        }
    }
    return false;
}
