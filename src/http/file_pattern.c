/* See file_pattern.h.
 *
 * SPDX-License-Identifier: MIT */
#include "file_pattern.h"

#include "base/macros.h"

#define STEPS_MAX 100000u

static bool is_special(char byte)
{
    return byte == '*' || byte == '?' || byte == '{';
}

static size_t plain_len(struct psv_bytes pattern)
{
    size_t len = 0;

    while (len < pattern.len && !is_special(pattern.data[len])) {
        len++;
    }
    return len;
}

bool psv_file_pattern_is_plain(struct psv_bytes pattern)
{
    return plain_len(pattern) == pattern.len;
}

size_t psv_file_pattern_base_len(struct psv_bytes pattern)
{
    size_t len = plain_len(pattern);

    if (len == pattern.len) {
        return len;
    }
    size_t slash = psv_bytes_find_last(psv_bytes_first(pattern, len), '/');
    return slash < len ? slash : 0;
}

/* What is left of both. */
struct match {
    struct psv_bytes pattern;
    struct psv_bytes path;
};

static bool matches(struct match match, unsigned *steps);

/* The pattern begins with a star. */
static bool matches_star(struct match match, unsigned *steps)
{
    bool is_double = match.pattern.len > 1 && match.pattern.data[1] == '*';
    struct match next = match;

    next.pattern = psv_bytes_from(match.pattern, is_double ? 2 : 1);
    if (is_double && next.pattern.len > 0 && next.pattern.data[0] == '/') {
        struct match none = next;
        none.pattern = psv_bytes_from(next.pattern, 1);
        if (matches(none, steps)) { /* no folder at all */
            return true;
        }
    }
    for (size_t len = 0; len <= match.path.len; len++) {
        next.path = psv_bytes_from(match.path, len);
        if (matches(next, steps)) {
            return true;
        }
        if (len < match.path.len && match.path.data[len] == '/' && !is_double) {
            return false;
        }
    }
    return false;
}

/* The pattern begins with a brace; one that is not closed stands for itself. */
static bool matches_group(struct match match, unsigned *steps)
{
    size_t end = psv_bytes_find(match.pattern, '}');
    struct psv_bytes items = psv_bytes_from(psv_bytes_first(match.pattern, end), 1);
    struct psv_bytes item;

    while (psv_bytes_split(&items, ',', &item)) {
        struct match next = match;
        if (item.len > match.path.len || !psv_bytes_equal(item, psv_bytes_first(match.path, item.len))) {
            continue;
        }
        next.pattern = psv_bytes_from(match.pattern, end + 1);
        next.path = psv_bytes_from(match.path, item.len);
        if (matches(next, steps)) {
            return true;
        }
    }
    return false;
}

static bool matches(struct match match, unsigned *steps)
{
    while (match.pattern.len > 0) {
        char byte = match.pattern.data[0];
        if (++*steps > STEPS_MAX) {
            return false;
        }
        if (byte == '*') {
            return matches_star(match, steps);
        }
        if (byte == '{' && psv_bytes_find(match.pattern, '}') < match.pattern.len) {
            return matches_group(match, steps);
        }
        if (match.path.len == 0 || (byte == '?' ? match.path.data[0] == '/' : match.path.data[0] != byte)) {
            return false;
        }
        match.pattern = psv_bytes_from(match.pattern, 1);
        match.path = psv_bytes_from(match.path, 1);
    }
    return match.path.len == 0;
}

bool psv_file_pattern_matches(struct psv_bytes pattern, struct psv_bytes path)
{
    unsigned steps = 0;

    return matches((struct match){.pattern = pattern, .path = path}, &steps);
}
