/* See path_pattern.h.  Pure.
 *
 * SPDX-License-Identifier: MIT */
#include "path_pattern.h"

static bool contains(struct psv_bytes text, struct psv_bytes wanted)
{
    for (size_t i = 0; i + wanted.len <= text.len; i++) {
        if (psv_bytes_starts_with(psv_bytes_from(text, i), wanted)) {
            return true;
        }
    }
    return false;
}

/* Each star takes as little as it can, and more when what follows does not fit.  Only the last star needs to
 * be tried again: none takes a slash, so what an earlier one would take more, the last could have as well. */
static bool matches_glob(struct psv_bytes pattern, struct psv_bytes path, bool is_open)
{
    size_t p = 0;
    size_t i = 0;
    size_t star = pattern.len; /* none yet */
    size_t star_end = 0;       /* it takes the path up to here */

    while (p < pattern.len || (i < path.len && !is_open)) {
        if (p < pattern.len && pattern.data[p] == '*') {
            star = p++;
            star_end = i;
        } else if (p < pattern.len && i < path.len && pattern.data[p] == path.data[i]) {
            p++;
            i++;
        } else if (star < pattern.len && star_end < path.len && path.data[star_end] != '/') {
            i = ++star_end;
            p = star + 1;
        } else {
            return false;
        }
    }
    return true;
}

const char *psv_path_pattern_parse(struct psv_bytes text, struct psv_path_pattern *ret)
{
    bool is_open_before = text.len > 0 && text.data[0] == '*';
    bool is_open_behind = text.len > 0 && text.data[text.len - 1] == '*';

    if (text.len == 0 || (text.data[0] != '/' && !is_open_before)) {
        return "it begins neither with a slash nor with *";
    }
    for (size_t i = 0; i < text.len; i++) {
        if (memchr("?#%[]{}\\", text.data[i], 8) != NULL || (unsigned char)text.data[i] < ' ') {
            return "it has one of ? # % [ ] { } \\: a pattern is a decoded path without a query, and only * "
                   "stands "
                   "for something else";
        }
    }
    struct psv_bytes inner = text;
    while (inner.len > 0 && inner.data[0] == '*') {
        inner = psv_bytes_from(inner, 1);
    }
    while (inner.len > 0 && inner.data[inner.len - 1] == '*') {
        inner.len--;
    }
    bool has_star_within = psv_bytes_find(inner, '*') < inner.len;
    if (has_star_within && is_open_before) {
        return "with * at its beginning it can have another one only at its end";
    }
    ret->kind = has_star_within                    ? PSV_PATH_PATTERN_GLOB
                : inner.len == 0                   ? PSV_PATH_PATTERN_PREFIX
                : is_open_before && is_open_behind ? PSV_PATH_PATTERN_CONTAINS
                : is_open_before                   ? PSV_PATH_PATTERN_SUFFIX
                : is_open_behind                   ? PSV_PATH_PATTERN_PREFIX
                                                   : PSV_PATH_PATTERN_EXACT;
    ret->text = inner;
    ret->is_open = has_star_within && is_open_behind;
    return NULL;
}

bool psv_path_pattern_matches(const struct psv_path_pattern *pattern, struct psv_bytes path)
{
    switch (pattern->kind) {
    case PSV_PATH_PATTERN_EXACT:
        return psv_bytes_equal(path, pattern->text);
    case PSV_PATH_PATTERN_PREFIX:
        return psv_bytes_starts_with(path, pattern->text);
    case PSV_PATH_PATTERN_SUFFIX:
        return psv_bytes_ends_with(path, pattern->text);
    case PSV_PATH_PATTERN_CONTAINS:
        return contains(path, pattern->text);
    case PSV_PATH_PATTERN_GLOB:
        return matches_glob(pattern->text, path, pattern->is_open);
    }
    return false;
}
