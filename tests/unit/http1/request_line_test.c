/* Tests of http1/request_line.c.
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include "base/error.h"
#include "http1/request_line.h"

static void test_lines(void **state)
{
    static const struct {
        TABLE_ROW;
        struct psv_bytes line;
        unsigned status; /* 0: accepted */
        const char *method;
        const char *target;
        unsigned minor_version;
    } cases[] = {
        {ROW("plain"), PSV_BYTES_INIT("GET / HTTP/1.1\r"), 0, "GET", "/", 1},
        {ROW("HTTP/1.0"), PSV_BYTES_INIT("GET / HTTP/1.0\r"), 0, "GET", "/", 0},
        {ROW("RFC 9110 2.5 later minor version"), PSV_BYTES_INIT("GET / HTTP/1.9\r"), 0, "GET", "/", 1},
        {ROW("any token"), PSV_BYTES_INIT("M!#$%&'*+-.^_`|~9 /x?y HTTP/1.1\r"), 0, "M!#$%&'*+-.^_`|~9",
         "/x?y", 1},
        {ROW("asterisk"), PSV_BYTES_INIT("OPTIONS * HTTP/1.1\r"), 0, "OPTIONS", "*", 1},
        {ROW("longest method"), PSV_BYTES_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345 / HTTP/1.1\r"), 0,
         "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345", "/", 1},
        {ROW("method too long"), PSV_BYTES_INIT("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456 / HTTP/1.1\r"), 501, "",
         "", 0},
        {ROW("no CR"), PSV_BYTES_INIT("GET / HTTP/1.1"), 400, "", "", 0},
        {ROW("nothing"), PSV_BYTES_INIT(""), 400, "", "", 0},
        {ROW("only CR"), PSV_BYTES_INIT("\r"), 400, "", "", 0},
        {ROW("CR inside"), PSV_BYTES_INIT("GET /\rx HTTP/1.1\r"), 400, "", "", 0},
        {ROW("two blanks before the target"), PSV_BYTES_INIT("GET  / HTTP/1.1\r"), 400, "", "", 0},
        {ROW("two blanks before the version"), PSV_BYTES_INIT("GET /  HTTP/1.1\r"), 400, "", "", 0},
        {ROW("blank at the end"), PSV_BYTES_INIT("GET / HTTP/1.1 \r"), 400, "", "", 0},
        {ROW("blank in front"), PSV_BYTES_INIT(" GET / HTTP/1.1\r"), 400, "", "", 0},
        {ROW("tab"), PSV_BYTES_INIT("GET\t/ HTTP/1.1\r"), 400, "", "", 0},
        {ROW("no version"), PSV_BYTES_INIT("GET /\r"), 400, "", "", 0},
        {ROW("no target"), PSV_BYTES_INIT("GET HTTP/1.1\r"), 400, "", "", 0},
        {ROW("method is no token"), PSV_BYTES_INIT("G@T / HTTP/1.1\r"), 400, "", "", 0},
        {ROW("NUL in the target"), PSV_BYTES_INIT("GET /\0 HTTP/1.1\r"), 400, "", "", 0},
        {ROW("DEL in the target"), PSV_BYTES_INIT("GET /\x7f HTTP/1.1\r"), 400, "", "", 0},
        {ROW("bytes above ASCII"), PSV_BYTES_INIT("GET /\xc3\xa4 HTTP/1.1\r"), 400, "", "", 0},
        {ROW("lower case name"), PSV_BYTES_INIT("GET / http/1.1\r"), 400, "", "", 0},
        {ROW("two digits"), PSV_BYTES_INIT("GET / HTTP/1.10\r"), 400, "", "", 0},
        {ROW("letter"), PSV_BYTES_INIT("GET / HTTP/1.x\r"), 400, "", "", 0},
        {ROW("no dot"), PSV_BYTES_INIT("GET / HTTP/1,1\r"), 400, "", "", 0},
        {ROW("HTTP/0.9 by name"), PSV_BYTES_INIT("GET / HTTP/0.9\r"), 505, "", "", 0},
        {ROW("RFC 9110 15.6.6 other major version"), PSV_BYTES_INIT("GET / HTTP/2.0\r"), 505, "", "", 0},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_request_line line = {0};
        int code = psv_request_line_parse(row->line, &line);
        assert_int_equal(code, row->status == 0 ? PSV_OK : PSV_ESYNTAX);
        assert_int_equal(line.status, row->status);
        if (row->status == 0) {
            assert_bytes_equal(line.method, row->method);
            assert_bytes_equal(line.target, row->target);
            assert_int_equal(line.minor_version, row->minor_version);
        } else {
            assert_non_null(line.reason);
        }
    }
}

static void test_first_bytes(void **state)
{
    static const struct {
        TABLE_ROW;
        struct psv_bytes bytes;
        bool may_begin;
    } cases[] = {
        {ROW("one letter"), PSV_BYTES_INIT("G"), true},
        {ROW("method and a blank"), PSV_BYTES_INIT("GET "), true},
        {ROW("what follows the method is not looked at"), PSV_BYTES_INIT("GET \x01"), true},
        {ROW("TLS"), PSV_BYTES_INIT("\x16\x03\x01"), false},
        {ROW("blank"), PSV_BYTES_INIT(" "), false},
        {ROW("NUL"), PSV_BYTES_INIT("\0"), false},
        {ROW("JSON"), PSV_BYTES_INIT("{\"a\""), false},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        assert_int_equal(psv_request_line_may_begin(row->bytes), row->may_begin);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_first_bytes),
    };
    return cmocka_run_group_tests_name("request_line", tests, NULL, NULL);
}
