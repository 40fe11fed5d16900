/* Table-driven unit tests: the cases are rows of a struct array, and a failing row says its name and its
 * line.
 *
 *    static const struct {
 *        TABLE_ROW;
 *        const char *text;
 *        int expected;
 *    } cases[] = {
 *        {ROW("empty text"), "", 0},
 *    };
 *    TABLE_FOR_EACH (row, cases) {
 *        assert_int_equal(f(row->text), row->expected);
 *    }
 *
 * Include this instead of cmocka.h: it makes cmocka_unit_test() report the row.  A test with fixtures of its
 * own calls table_report_row(state) in its teardown.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/macros.h"

/* First member of a case. */
#define TABLE_ROW                                                                                            \
    const char *name;                                                                                        \
    const char *where

/* First initialisers of a case, without designators and with. */
#define ROW(text) (text), __FILE__ ":" STRINGIFY(__LINE__)
#define ROW_NAMED(text) .name = (text), .where = __FILE__ ":" STRINGIFY(__LINE__)

struct table_row {
    const char *name;
    const char *where;
};

/* The row under test; NULL between tables. */
static struct table_row table_row_now __attribute__((unused));

static inline int table_report_row(void **state)
{
    (void)state;
    if (table_row_now.name != NULL)
        print_error("in row \"%s\" (%s)\n", table_row_now.name, table_row_now.where);
    table_row_now = (struct table_row){NULL, NULL};
    return 0;
}

/** Walks the rows of an array.  Do not leave the body with break, goto or return. */
#define TABLE_FOR_EACH(row, table)                                                                           \
    for (__typeof__(&(table)[0]) row = (table);                                                              \
         table_row_now = row < (table) + ARRAY_SIZE(table) ? (struct table_row){row->name, row->where}       \
                                                           : (struct table_row){0},                          \
                                 row < (table) + ARRAY_SIZE(table);                                          \
         row++)

#undef cmocka_unit_test
#define cmocka_unit_test(f) cmocka_unit_test_setup_teardown(f, NULL, table_report_row)

/** Content of a view against a C string. */
#define assert_bytes_equal(actual, expected) assert_bytes_equal_((actual), (expected), __FILE__, __LINE__)

static inline void assert_bytes_equal_(struct psv_bytes actual, const char *expected, const char *file,
                                       int line)
{
    if (psv_bytes_equal(actual, psv_bytes_of(expected)))
        return;
    print_error("\"%.*s\" (%zu bytes) != \"%s\"\n", PSV_BYTES_ARG(actual), actual.len, expected);
    _fail(file, line);
}
