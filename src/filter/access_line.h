/* A line of the access log while it is put together: room that is known, texts of clients that are escaped
 * and cut.  Pure; [any].  Knows neither exchanges nor formats.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"

/** Room that a cut text needs beyond what is kept of it, for "...", or for the escape that did not fit. */
#define PSV_ACCESS_CUT_MARK 4

/** Longest text of psv_access_line_put_ms. */
#define PSV_ACCESS_MS_BYTES 24

struct psv_access_line {
    char *out;
    size_t len;
    size_t size; /* of out; a put beyond it is our bug */
};

enum psv_access_escaping {
    PSV_ACCESS_ESCAPE_HEX,   /* \" \\ \x0a: what Apache writes */
    PSV_ACCESS_ESCAPE_NGINX, /* \x22 \x5C \x0A: escape=default of nginx */
    PSV_ACCESS_ESCAPE_JSON,  /* the inside of a JSON string; well-formed UTF-8 stays */
    PSV_ACCESS_ESCAPE_COUNT
};

static inline void psv_access_line_put(struct psv_access_line *line, struct psv_bytes text)
{
    INVARIANT(text.len <= line->size - line->len);
    if (text.len != 0)
        memcpy(line->out + line->len, text.data, text.len);
    line->len += text.len;
}

/** The same for a text whose length the compiler knows: no call, a few stores. */
#define PSV_ACCESS_PUT(line, literal)                                                                        \
    do {                                                                                                     \
        INVARIANT(sizeof(literal) - 1 <= (line)->size - (line)->len);                                        \
        memcpy((line)->out + (line)->len, "" literal, sizeof(literal) - 1);                                  \
        (line)->len += sizeof(literal) - 1;                                                                  \
    } while (0)

/** At most 20 bytes. */
void psv_access_line_put_u64(struct psv_access_line *line, uint64_t value);
/** "12.345".  There must be room for PSV_ACCESS_MS_BYTES. */
void psv_access_line_put_ms(struct psv_access_line *line, uint64_t duration_ns);
/** "0.012345": at most 18 bytes. */
void psv_access_line_put_seconds(struct psv_access_line *line, uint64_t duration_ns);
/** At most max bytes (3 or more), escapes included; what is cut ends in "...". */
void psv_access_line_put_escaped(struct psv_access_line *line, struct psv_bytes text,
                                 enum psv_access_escaping escaping, size_t max);
/** A JSON string, its quotes beyond max; null for an empty text. */
void psv_access_line_put_json(struct psv_access_line *line, struct psv_bytes text, size_t max);
