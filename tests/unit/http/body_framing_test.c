/* Tests of http/body_framing.c.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

#include "http/body_framing.h"

#define NONE PSV_BODY_FRAMING_NONE
#define LENGTH PSV_BODY_FRAMING_LENGTH
#define CHUNKED PSV_BODY_FRAMING_CHUNKED
#define V10 PSV_HTTP_1_0
#define V11 PSV_HTTP_1_1
#define V2 PSV_HTTP_2

static const struct framing_row {
    const char *name;
    enum psv_http_version version;
    const char *fields;
    unsigned status; /* 0: accepted */
    enum psv_body_framing_kind kind;
    uint64_t length;
} rows[] = {
    {"RFC 9112 6.3 neither", V11, "Host: a", 0, NONE, 0},
    {"RFC 9112 6.3 length", V11, "Content-Length: 42", 0, LENGTH, 42},
    {"RFC 9112 6.3 length 0", V11, "Content-Length: 0", 0, LENGTH, 0},
    {"RFC 9110 8.6 leading zeros", V11, "Content-Length: 0042", 0, LENGTH, 42},
    {"RFC 9110 5.5 blanks around", V11, "Content-Length:  \t42 \t", 0, LENGTH, 42},
    {"length in HTTP/1.0", V10, "Content-Length: 7", 0, LENGTH, 7},
    {"length in HTTP/2", V2, "content-length: 7", 0, LENGTH, 7},
    {"largest length", V11, "Content-Length: 9223372036854775807", 0, LENGTH, INT64_MAX},
    {"RFC 9110 8.6 above 63 bits", V11, "Content-Length: 9223372036854775808", 400, NONE, 0},
    {"RFC 9110 8.6 above 64 bits", V11, "Content-Length: 18446744073709551616", 400, NONE, 0},
    {"RFC 9110 8.6 above 64 bits, low bits 42", V11, "Content-Length: 18446744073709551658", 400, NONE, 0},
    {"RFC 9110 8.6 sign", V11, "Content-Length: +5", 400, NONE, 0},
    {"RFC 9110 8.6 minus", V11, "Content-Length: -5", 400, NONE, 0},
    {"RFC 9110 8.6 list", V11, "Content-Length: 5,5", 400, NONE, 0},
    {"RFC 9110 8.6 list with blank", V11, "Content-Length: 5, 6", 400, NONE, 0},
    {"RFC 9110 8.6 hexadecimal", V11, "Content-Length: 0x5", 400, NONE, 0},
    {"RFC 9110 8.6 blank inside", V11, "Content-Length: 4 2", 400, NONE, 0},
    {"RFC 9110 8.6 fraction", V11, "Content-Length: 5.0", 400, NONE, 0},
    {"RFC 9110 8.6 empty", V11, "Content-Length: ", 400, NONE, 0},
    {"RFC 9110 8.6 other digits", V11, "Content-Length: \xd9\xa5", 400, NONE, 0},
    {"RFC 9112 6.3 repeated", V11, "Content-Length: 5\nContent-Length: 5", 400, NONE, 0},
    {"RFC 9112 6.3 differing", V11, "Content-Length: 5\ncontent-length: 6", 400, NONE, 0},
    {"RFC 9112 7.1 chunked", V11, "Transfer-Encoding: chunked", 0, CHUNKED, 0},
    {"RFC 9112 7 any case", V11, "tRANSFER-eNCODING: \tCHUNKED ", 0, CHUNKED, 0},
    {"RFC 9112 6.1 with a length", V11, "Transfer-Encoding: chunked\nContent-Length: 5", 400, NONE, 0},
    {"RFC 9112 6.1 length first", V11, "Content-Length: 5\nTransfer-Encoding: chunked", 400, NONE, 0},
    {"RFC 9112 6.1 identity with a length", V11, "Content-Length: 5\nTransfer-Encoding: identity", 400, NONE,
     0},
    {"RFC 9112 6.1 in HTTP/1.0", V10, "Transfer-Encoding: chunked", 400, NONE, 0},
    {"RFC 9112 6.1 in HTTP/1.0 with a length", V10, "Transfer-Encoding: chunked\nContent-Length: 5", 400,
     NONE, 0},
    {"RFC 9113 8.2.2 in HTTP/2", V2, "transfer-encoding: chunked", 400, NONE, 0},
    {"empty", V11, "Transfer-Encoding: ", 400, NONE, 0},
    {"blanks only", V11, "Transfer-Encoding:  \t ", 400, NONE, 0},
    {"empty beside a length", V11, "Transfer-Encoding: \nContent-Length: 5", 400, NONE, 0},
    {"empty beside chunked", V11, "Transfer-Encoding: \nTransfer-Encoding: chunked", 400, NONE, 0},
    {"RFC 9112 7.1 twice", V11, "Transfer-Encoding: chunked, chunked", 400, NONE, 0},
    {"RFC 9112 7.1 twice in two fields", V11, "Transfer-Encoding: chunked\nTransfer-Encoding: chunked", 400,
     NONE, 0},
    {"RFC 9112 6.3 not last", V11, "Transfer-Encoding: chunked, gzip", 400, NONE, 0},
    {"RFC 9112 6.3 not last, two fields", V11, "Transfer-Encoding: chunked\nTransfer-Encoding: identity", 400,
     NONE, 0},
    {"chunked twice around another", V11, "Transfer-Encoding: chunked, gzip, chunked", 400, NONE, 0},
    {"RFC 9112 6.1 a coding not spoken here", V11, "Transfer-Encoding: gzip, chunked", 501, NONE, 0},
    {"RFC 9112 6.1 unknown", V11, "Transfer-Encoding: foo", 501, NONE, 0},
    {"RFC 9112 6.1 nearly chunked", V11, "Transfer-Encoding: xchunked", 501, NONE, 0},
    {"RFC 9112 6.1 unknown, two fields", V11, "Transfer-Encoding: foo\nTransfer-Encoding: chunked", 501, NONE,
     0},
    {"obsolete identity", V11, "Transfer-Encoding: identity", 501, NONE, 0},
    {"leading comma", V11, "Transfer-Encoding: , chunked", 400, NONE, 0},
    {"trailing comma", V11, "Transfer-Encoding: chunked,", 400, NONE, 0},
    {"quoted", V11, "Transfer-Encoding: \"chunked\"", 400, NONE, 0},
    {"two words", V11, "Transfer-Encoding: chunked foo", 400, NONE, 0},
    {"vertical tab", V11,
     "Transfer-Encoding: \x0b"
     "chunked",
     400, NONE, 0},
    {"RFC 9112 7.1 parameters", V11, "Transfer-Encoding: chunked;a=b", 400, NONE, 0},
    {"parameters of another", V11, "Transfer-Encoding: gzip;a=b, chunked", 501, NONE, 0},
    {"parameter only", V11, "Transfer-Encoding: ;a=b", 400, NONE, 0},
};

static void test_decide(void **state)
{
    (void)state;
    FOR_ROWS(struct framing_row, row, rows)
    {
        struct psv_arena arena;
        struct psv_body_framing framing;
        int expected = row->status == 0 ? 0 : (row->status == 501 ? PSV_EUNSUPPORTED : PSV_ESYNTAX);
        psv_arena_init(&arena, 1 << 16);
        struct psv_request request = request_with(&arena, PSV_METHOD_POST, row->version, row->fields);
        ROW_INT(row, psv_body_framing_decide(&request, &framing), expected);
        ROW_INT(row, framing.status, row->status);
        ROW_INT(row, framing.kind, row->kind);
        ROW_INT(row, framing.length, row->length);
        ROW_CHECK(row, (framing.reason != NULL) == (row->status != 0));
        psv_arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decide),
    };
    return cmocka_run_group_tests_name("http/body_framing", tests, NULL, NULL);
}
