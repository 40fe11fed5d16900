/* Tests of http1/parse.c and request_rules.c: what a head becomes, what is refused and with which status,
 * limits to the byte.  Each case is fed whole and byte by byte.
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "http1/parse.h"

static const struct psv_h1_config config = {
    .request_line_bytes_max = 32,
    .header_bytes_max = 128,
    .header_count_max = 4,
    .body_bytes_max = 16,
    .body_memory_bytes = 8,
};

struct outcome {
    unsigned heads;
    unsigned requests;
    unsigned refusal_status;
    struct psv_h1_parser parser;
    struct psv_exchange *exchange;
};

/* Feeds one request in pieces; stops at its end or at a refusal. */
static void feed(struct outcome *outcome, struct psv_exchange_pool *pool, struct psv_bytes text,
                 size_t piece_len)
{
    static const struct psv_exchange_codec no_codec;
    static const struct psv_exchange_host no_host;

    memset(outcome, 0, sizeof(*outcome));
    psv_h1_parser_reset(&outcome->parser, &config);
    outcome->exchange = psv_exchange_new(pool, &no_codec, &no_host);
    assert_non_null(outcome->exchange);
    psv_request_body_init(&outcome->exchange->body, config.body_memory_bytes, config.body_bytes_max);
    psv_h1_parser_begin(&outcome->parser, outcome->exchange);
    while (text.len > 0 && outcome->requests == 0 && outcome->refusal_status == 0) {
        char piece[1024];
        size_t len = psv_bytes_first(text, piece_len).len;
        size_t used = 0;
        assert_true(len <= sizeof(piece));
        memcpy(piece, text.data, len);
        enum psv_h1_parse_event event = psv_h1_parser_feed(&outcome->parser, piece, len, &used);
        if (event == PSV_H1_HEAD) {
            outcome->heads++;
            outcome->parser.keeps_body = true;
            event = psv_h1_parser_feed(&outcome->parser, piece + used, 0, &(size_t){0});
        }
        outcome->requests += event == PSV_H1_REQUEST;
        outcome->refusal_status = event == PSV_H1_ERROR ? outcome->parser.refusal_status : 0;
        text = psv_bytes_from(text, used);
    }
}

static void test_requests(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *text;
        const char *method;
        const char *path;
        const char *authority;
        int64_t content_length;
        const char *body;
        bool keeps_alive;
        unsigned fields_len;
    } cases[] = {
        {ROW("GET"), "GET /a%20b?q HTTP/1.1\r\nHost: h\r\n\r\n", "GET", "/a b", "h", 0, "", true, 1},
        {ROW("HTTP/1.0 without Host"), "GET / HTTP/1.0\r\n\r\n", "GET", "/", "", 0, "", false, 0},
        {ROW("HTTP/1.0 keep-alive"), "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET", "/", "", 0,
         "", true, 1},
        {ROW("close"), "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET", "/", "h", 0, "",
         false, 2},
        {ROW("length"), "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "POST", "/", "h", 3,
         "abc", true, 2},
        {ROW("chunked"),
         "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
         "chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
         "PUT", "/", "h", -1, "abc0123456789", true, 2},
        {ROW("RFC 9112 7.1.2 trailers are dropped"),
         "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n", "PUT",
         "/", "h", -1, "a", true, 2},
        {ROW("RFC 9112 3.2.2 the target's authority wins"), "GET http://t:81/p HTTP/1.1\r\nHost: h\r\n\r\n",
         "GET", "/p", "t:81", 0, "", true, 1},
        {ROW("RFC 9110 5.6.3 tabs around the length"),
         "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\t1\t\r\n\r\nx", "POST", "/", "h", 1, "x", true, 2},
        {ROW("method of our own"), "QUERY / HTTP/1.1\r\nHost: h\r\n\r\n", "QUERY", "/", "h", 0, "", true, 1},
        {ROW("RFC 9110 7.8 Upgrade is ignored"),
         "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "GET", "/", "h", 0, "",
         true, 3},
        {ROW("largest body"), "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 16\r\n\r\n0123456789abcdef",
         "POST", "/", "h", 16, "0123456789abcdef", true, 2},
    };
    struct psv_exchange_pool *pool = psv_exchange_pool_new(1 << 20, 4);

    (void)state;
    assert_non_null(pool);
    for (size_t piece_len = 1; piece_len <= 1024; piece_len *= 32) {
        TABLE_FOR_EACH(row, cases)
        {
            struct outcome outcome;
            char body[64];
            feed(&outcome, pool, psv_bytes_of(row->text), piece_len);
            const struct psv_request *request = &outcome.exchange->request;
            assert_int_equal(outcome.refusal_status, 0);
            assert_int_equal(outcome.heads, 1);
            assert_int_equal(outcome.requests, 1);
            assert_bytes_equal(request->method_text, row->method);
            assert_bytes_equal(request->path, row->path);
            assert_bytes_equal(request->authority, row->authority);
            assert_int_equal(request->content_length, row->content_length);
            assert_int_equal(request->headers.len, row->fields_len);
            assert_int_equal(outcome.parser.wants_keep_alive, row->keeps_alive);
            size_t len = psv_request_body_read(&outcome.exchange->body, body, sizeof(body));
            assert_bytes_equal(((struct psv_bytes){body, len}), row->body);
            psv_exchange_free(pool, outcome.exchange);
        }
    }
    psv_exchange_pool_free(pool);
}

#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void test_refusals(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *text;
        unsigned status;
    } cases[] = {
        {ROW("RFC 9112 3.2 no Host"), "GET / HTTP/1.1\r\n\r\n", 400},
        {ROW("RFC 9112 3.2 two Hosts"), "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
        {ROW("RFC 9112 3.2 malformed Host"), "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {ROW("RFC 9112 5.1 blank before the colon"), "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        {ROW("RFC 9112 5.2 folded"), "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400},
        {ROW("RFC 9112 2.2 bare LF"), "GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
        {ROW("RFC 9110 5.5 NUL in a value"), "GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400},
        {ROW("RFC 9112 6.1 both framings"),
         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {ROW("RFC 9112 6.1 unknown coding"),
         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {ROW("RFC 9112 6.3 lengths differ"),
         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
        {ROW("RFC 9112 7.1 chunk size"),
         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400},
        {ROW("RFC 9110 10.1.1 expectation"), "GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417},
        {ROW("RFC 9110 9.3.6 CONNECT"), "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        {ROW("RFC 9110 15.6.6"), "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
        {ROW("target longer than its limit"), "GET /" X32 " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
        {ROW("fields larger than their limit"), "GET / HTTP/1.1\r\nHost: a\r\nX: " X32 X32 X32 X32 "\r\n\r\n",
         431},
        {ROW("more fields than allowed"), "GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n\r\n",
         431},
        {ROW("chunk that cannot fit"),
         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n", 413},
        {ROW("chunks that do not fit together"),
         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n012345678\r\n8\r\n", 413},
        {ROW("trailers larger than the fields' limit"),
         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " X32 X32 X32 X32
         "\r\n\r\n",
         413},
        {ROW("chunk extensions larger than it"),
         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x=" X32 X32 X32 X32
         "\r\na\r\n0\r\n\r\n",
         413},
        {ROW("not HTTP"), "\x16\x03\x01\x02\r\n", 400},
    };
    struct psv_exchange_pool *pool = psv_exchange_pool_new(1 << 20, 4);

    (void)state;
    assert_non_null(pool);
    for (size_t piece_len = 1; piece_len <= 1024; piece_len *= 32) {
        TABLE_FOR_EACH(row, cases)
        {
            struct outcome outcome;
            feed(&outcome, pool, psv_bytes_of(row->text), piece_len);
            assert_int_equal(outcome.requests, 0);
            assert_int_equal(outcome.refusal_status, row->status);
            assert_non_null(outcome.parser.refusal_reason);
            psv_exchange_free(pool, outcome.exchange);
        }
    }
    psv_exchange_pool_free(pool);
}

static void test_empty_lines(void **state)
{
    struct psv_h1_parser parser;
    unsigned status;

    (void)state;
    psv_h1_parser_reset(&parser, &config);
    assert_int_equal(psv_h1_parser_skip_empty_lines(&parser, "\r\n\r\nG", 5, &status), 4);
    assert_int_equal(status, 0);
    assert_int_equal(psv_h1_parser_skip_empty_lines(&parser, "GET", 3, &status), 0);
    assert_int_equal(psv_h1_parser_skip_empty_lines(&parser, "\r\n\r\n\r\n", 6, &status), 6);
    assert_int_equal(status, 400); /* ten bytes of them */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_empty_lines),
    };
    return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
