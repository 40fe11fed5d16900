/* Tests of http/conditional.c: RFC 9110 13.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

#include "http/conditional.h"

#define PASS PSV_PRECONDITION_PASS
#define SAME PSV_PRECONDITION_NOT_MODIFIED
#define FAILED PSV_PRECONDITION_FAILED
#define GET PSV_METHOD_GET
#define HEAD PSV_METHOD_HEAD
#define PUT PSV_METHOD_PUT
#define MTIME 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define EQUAL "Sun, 06 Nov 1994 08:49:37 GMT"
#define OLDER "Sun, 06 Nov 1994 08:49:36 GMT"
#define NEWER "Sun, 06 Nov 1994 08:49:38 GMT"

static const struct condition_row {
    const char *name;
    enum psv_method method;
    const char *fields;
    enum psv_precondition expected;
    enum psv_precondition expected_absent; /* when nothing is there */
} rows[] = {
    {"no condition", GET, "Host: a", PASS, PASS},
    {"13.1.1 If-Match equal", GET, "If-Match: \"x\"", PASS, FAILED},
    {"13.1.1 If-Match other", GET, "If-Match: \"y\"", FAILED, FAILED},
    {"13.1.1 If-Match is strong", PUT, "If-Match: W/\"x\"", FAILED, FAILED},
    {"13.1.1 If-Match any", PUT, "If-Match: *", PASS, FAILED},
    {"13.1.1 If-Match in a second field", PUT, "If-Match: \"y\"\nIf-Match: \"x\"", PASS, FAILED},
    {"13.1.1 If-Match malformed", PUT, "If-Match: x", FAILED, FAILED},
    {"13.1.1 If-Match empty", PUT, "If-Match: ", FAILED, FAILED},
    {"13.1.2 If-None-Match equal", GET, "If-None-Match: \"x\"", SAME, PASS},
    {"13.1.2 If-None-Match HEAD", HEAD, "If-None-Match: \"x\"", SAME, PASS},
    {"13.1.2 If-None-Match PUT", PUT, "If-None-Match: \"x\"", FAILED, PASS},
    {"13.1.2 If-None-Match other method", PSV_METHOD_OTHER, "If-None-Match: *", FAILED, PASS},
    {"13.1.2 If-None-Match is weak", GET, "If-None-Match: W/\"x\"", SAME, PASS},
    {"13.1.2 If-None-Match any", GET, "If-None-Match: *", SAME, PASS},
    {"13.1.2 If-None-Match any creates", PUT, "If-None-Match: *", FAILED, PASS},
    {"13.1.2 If-None-Match other", GET, "If-None-Match: \"y\", \"z\"", PASS, PASS},
    {"13.1.2 If-None-Match malformed", GET, "If-None-Match: \"x\" \"y\"", PASS, PASS},
    {"13.1.3 If-Modified-Since equal", GET, "If-Modified-Since: " EQUAL, SAME, PASS},
    {"13.1.3 If-Modified-Since newer", HEAD, "If-Modified-Since: " NEWER, SAME, PASS},
    {"13.1.3 If-Modified-Since older", GET, "If-Modified-Since: " OLDER, PASS, PASS},
    {"13.1.3 If-Modified-Since rfc850", GET, "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", SAME, PASS},
    {"13.1.3 If-Modified-Since asctime", GET, "If-Modified-Since: Sun Nov  6 08:49:37 1994", SAME, PASS},
    {"13.1.3 If-Modified-Since blanks", GET, "If-Modified-Since:  " EQUAL " ", SAME, PASS},
    {"13.1.3 If-Modified-Since malformed", GET, "If-Modified-Since: tomorrow", PASS, PASS},
    {"13.1.3 If-Modified-Since repeated", GET, "If-Modified-Since: " EQUAL "\nIf-Modified-Since: " EQUAL,
     PASS, PASS},
    {"13.1.3 If-Modified-Since with PUT", PUT, "If-Modified-Since: " EQUAL, PASS, PASS},
    {"13.1.4 If-Unmodified-Since equal", PUT, "If-Unmodified-Since: " EQUAL, PASS, PASS},
    {"13.1.4 If-Unmodified-Since newer", GET, "If-Unmodified-Since: " NEWER, PASS, PASS},
    {"13.1.4 If-Unmodified-Since older", GET, "If-Unmodified-Since: " OLDER, FAILED, PASS},
    {"13.1.4 If-Unmodified-Since malformed", PUT, "If-Unmodified-Since: x", PASS, PASS},
    {"13.2.2 If-Match silences If-Unmodified-Since", GET, "If-Unmodified-Since: " OLDER "\nIf-Match: \"x\"",
     PASS, FAILED},
    {"13.2.2 If-None-Match silences If-Modified-Since", GET,
     "If-Modified-Since: " EQUAL "\nIf-None-Match: \"y\"", PASS, PASS},
    {"13.2.2 If-None-Match before If-Modified-Since", GET,
     "If-Modified-Since: " OLDER "\nIf-None-Match: \"x\"", SAME, PASS},
    {"13.2.2 step 1 before step 3", GET, "If-None-Match: \"x\"\nIf-Match: \"y\"", FAILED, FAILED},
    {"13.2.2 step 1 then step 3", GET, "If-None-Match: \"x\"\nIf-Match: \"x\"", SAME, FAILED},
    {"13.2.2 step 2 before step 4", GET, "If-Modified-Since: " EQUAL "\nIf-Unmodified-Since: " OLDER, FAILED,
     PASS},
    {"13.2.2 step 2 then step 4", GET, "If-Modified-Since: " EQUAL "\nIf-Unmodified-Since: " EQUAL, SAME,
     PASS},
};

static void test_evaluate(void **state)
{
    (void)state;
    FOR_ROWS(struct condition_row, row, rows)
    {
        struct psv_arena arena;
        psv_arena_init(&arena, 1 << 16);
        struct psv_request request = request_with(&arena, row->method, PSV_HTTP_1_1, row->fields);
        ROW_INT(row, psv_conditional_evaluate(&request, PSV_BYTES("\"x\""), MTIME, true), row->expected);
        ROW_INT(row, psv_conditional_evaluate(&request, PSV_BYTES("\"x\""), MTIME, false),
                row->expected_absent);
        psv_arena_fini(&arena);
    }
}

static const struct range_row {
    const char *name;
    const char *fields;
    const char *etag;
    bool allows;
} range_rows[] = {
    {"no If-Range", "Range: bytes=0-1", "\"x\"", true},
    {"13.1.5 equal tag", "If-Range: \"x\"", "\"x\"", true},
    {"13.1.5 other tag", "If-Range: \"y\"", "\"x\"", false},
    {"13.1.5 weak tag", "If-Range: W/\"x\"", "\"x\"", false},
    {"13.1.5 own tag is weak", "If-Range: W/\"x\"", "W/\"x\"", false},
    {"13.1.5 no tag of its own", "If-Range: \"x\"", "", false},
    {"13.1.5 exact date", "If-Range: " EQUAL, "\"x\"", true},
    {"13.1.5 exact date without tag", "If-Range: " EQUAL, "", true},
    {"13.1.5 older date", "If-Range: " OLDER, "\"x\"", false},
    {"13.1.5 newer date", "If-Range: " NEWER, "\"x\"", false},
    {"13.1.5 list of tags", "If-Range: \"x\", \"y\"", "\"x\"", false},
    {"13.1.5 any", "If-Range: *", "\"x\"", false},
    {"13.1.5 malformed", "If-Range: x", "\"x\"", false},
    {"13.1.5 empty", "If-Range: ", "\"x\"", false},
    {"13.1.5 repeated", "If-Range: \"x\"\nIf-Range: \"x\"", "\"x\"", false},
};

static void test_allows_range(void **state)
{
    (void)state;
    FOR_ROWS(struct range_row, row, range_rows)
    {
        struct psv_arena arena;
        psv_arena_init(&arena, 1 << 16);
        struct psv_request request = request_with(&arena, GET, PSV_HTTP_1_1, row->fields);
        ROW_INT(row, psv_conditional_allows_range(&request, psv_bytes_of(row->etag), MTIME), row->allows);
        psv_arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evaluate),
        cmocka_unit_test(test_allows_range),
    };
    return cmocka_run_group_tests_name("http/conditional", tests, NULL, NULL);
}
