/* A view of bytes that somebody else owns: pointer and length, not terminated.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct psv_bytes {
    const char *data; /* may be NULL when len is 0 */
    size_t len;
};

#define PSV_BYTES(literal) ((struct psv_bytes){"" literal, sizeof(literal) - 1})
#define PSV_BYTES_INIT(literal)                                                                              \
    {                                                                                                        \
        "" literal, sizeof(literal) - 1                                                                      \
    }
#define PSV_BYTES_EMPTY ((struct psv_bytes){NULL, 0})
/** For printf's "%.*s". */
#define PSV_BYTES_ARG(b) (int)(b).len, ((b).data != NULL ? (b).data : "")

static inline struct psv_bytes psv_bytes_of(const char *text)
{
    return (struct psv_bytes){text, text != NULL ? strlen(text) : 0};
}

static inline bool psv_bytes_equal(struct psv_bytes a, struct psv_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/** ASCII case-insensitive comparison; bytes above 127 compare as they are. */
bool psv_bytes_equal_case(struct psv_bytes a, struct psv_bytes b);
bool psv_bytes_starts_with(struct psv_bytes text, struct psv_bytes prefix);
bool psv_bytes_starts_with_case(struct psv_bytes text, struct psv_bytes prefix);
bool psv_bytes_ends_with(struct psv_bytes text, struct psv_bytes suffix);
bool psv_bytes_ends_with_case(struct psv_bytes text, struct psv_bytes suffix);

/** Index of the first such byte, or text.len. */
size_t psv_bytes_find(struct psv_bytes text, char byte);
/** Index of the last such byte, or text.len. */
size_t psv_bytes_find_last(struct psv_bytes text, char byte);

/** The part from offset on (empty when offset is at or past the end). */
static inline struct psv_bytes psv_bytes_from(struct psv_bytes text, size_t offset)
{
    if (offset >= text.len) {
        const char *end = text.len > 0 ? text.data + text.len : text.data;
        return (struct psv_bytes){end, 0};
    }
    return (struct psv_bytes){text.data + offset, text.len - offset};
}

/** The part before len bytes (all of it when shorter). */
static inline struct psv_bytes psv_bytes_first(struct psv_bytes text, size_t len)
{
    return (struct psv_bytes){text.data, len < text.len ? len : text.len};
}

/** Cuts spaces and tabs (RFC 9110 5.6.3 OWS) at both ends. */
struct psv_bytes psv_bytes_trim(struct psv_bytes text);

/** Splits off the next item of a separated list: returns false at the end; *rest advances past the separator.
 *  Empty items count, but for one after a trailing separator. */
bool psv_bytes_split(struct psv_bytes *rest, char separator, struct psv_bytes *ret_item);

static inline char psv_ascii_lower(char c)
{
    return (c >= 'A' && c <= 'Z') ? (char)(c + 32) : c;
}
static inline char psv_ascii_upper(char c)
{
    return (c >= 'a' && c <= 'z') ? (char)(c - 32) : c;
}
static inline bool psv_ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
