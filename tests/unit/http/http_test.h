/* What the tests of src/http/ share: tables of named rows, headers from text.
 * A failing row prints its name, file and line.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/memory.h"
#include "http/headers.h"
#include "http/request.h"

#define ROW_CHECK(row, condition)                                                                            \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            print_error("row \"%s\": %s\n", (row)->name, #condition);                                        \
            _fail(__FILE__, __LINE__);                                                                       \
        }                                                                                                    \
    } while (0)

#define ROW_INT(row, actual, expected)                                                                       \
    do {                                                                                                     \
        long long actual_ = (long long)(actual), expected_ = (long long)(expected);                          \
        if (actual_ != expected_) {                                                                          \
            print_error("row \"%s\": %s is %lld, not %lld\n", (row)->name, #actual, actual_, expected_);     \
            _fail(__FILE__, __LINE__);                                                                       \
        }                                                                                                    \
    } while (0)

#define ROW_TEXT(row, actual, expected)                                                                      \
    do {                                                                                                     \
        struct psv_bytes actual_ = (actual), expected_ = (expected);                                         \
        if (!psv_bytes_equal(actual_, expected_)) {                                                          \
            print_error("row \"%s\": %s is \"%.*s\", not \"%.*s\"\n", (row)->name, #actual,                  \
                        PSV_BYTES_ARG(actual_), PSV_BYTES_ARG(expected_));                                   \
            _fail(__FILE__, __LINE__);                                                                       \
        }                                                                                                    \
    } while (0)

#define TEXT(actual, literal)                                                                                \
    do {                                                                                                     \
        struct psv_bytes text_ = (actual);                                                                   \
        struct psv_bytes expected_text_ = PSV_BYTES(literal);                                                \
        if (!psv_bytes_equal(text_, expected_text_)) {                                                       \
            print_error("%s is \"%.*s\", not \"%s\"\n", #actual, PSV_BYTES_ARG(text_), literal);             \
            _fail(__FILE__, __LINE__);                                                                       \
        }                                                                                                    \
    } while (0)

#define FOR_ROWS(type, row, rows)                                                                            \
    for (const type *row = (rows); row < (rows) + sizeof(rows) / sizeof((rows)[0]); row++)

/** Adds the fields of "Name: value\nName: value" (the value as it stands behind ": ", maybe empty). */
static inline void add_fields(struct psv_headers *headers, struct psv_arena *arena, const char *text)
{
    struct psv_bytes rest = psv_bytes_of(text);
    struct psv_bytes line;

    while (psv_bytes_split(&rest, '\n', &line)) {
        size_t colon = psv_bytes_find(line, ':');
        assert_int_equal(
            psv_headers_add(headers, arena, psv_bytes_first(line, colon), psv_bytes_from(line, colon + 2)),
            0);
    }
}

/** A request on arena with these fields. */
static inline struct psv_request request_with(struct psv_arena *arena, enum psv_method method,
                                              enum psv_http_version version, const char *fields)
{
    struct psv_request request = {.method = method, .version = version, .content_length = -1};

    psv_headers_init(&request.headers, 64);
    add_fields(&request.headers, arena, fields);
    return request;
}
