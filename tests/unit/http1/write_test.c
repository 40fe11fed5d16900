/* Tests of http1/write.c: the text of heads and chunk sizes, within the size that was announced.
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdlib.h>

#include "http/extra_fields.h"
#include "http1/write.h"

#define DATE PSV_BYTES_INIT("Date: now\r\n")
#define SERVER PSV_BYTES_INIT("Server: s\r\n")

static struct psv_field own_fields[] = {
    {.name = PSV_BYTES_INIT("Date"), .value = PSV_BYTES_INIT("then"), .id = PSV_FIELD_DATE},
    {.name = PSV_BYTES_INIT("Server"), .value = PSV_BYTES_INIT("mine"), .id = PSV_FIELD_SERVER},
    {.name = PSV_BYTES_INIT("X"), .value = PSV_BYTES_INIT(""), .id = PSV_FIELD_UNKNOWN},
};

static void test_heads(void **state)
{
    static const struct {
        TABLE_ROW;
        unsigned status;
        unsigned fields_len;
        int64_t content_length;
        enum psv_http_version version;
        enum psv_h1_framing framing;
        bool closes;
        struct psv_bytes date;
        struct psv_bytes server;
        const char *expected;
    } cases[] = {
        {ROW("length"), 200, 0, 5, PSV_HTTP_1_1, PSV_H1_FRAMING_LENGTH, false, DATE, SERVER,
         "HTTP/1.1 200 OK\r\nDate: now\r\nServer: s\r\nContent-Length: 5\r\n\r\n"},
        {ROW("length 0"),
         200,
         0,
         0,
         PSV_HTTP_1_1,
         PSV_H1_FRAMING_LENGTH,
         false,
         DATE,
         {NULL, 0},
         "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 0\r\n\r\n"},
        {ROW("largest length"),
         200,
         0,
         INT64_MAX,
         PSV_HTTP_1_1,
         PSV_H1_FRAMING_LENGTH,
         true,
         DATE,
         {NULL, 0},
         "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 9223372036854775807\r\nConnection: close\r\n\r\n"},
        {ROW("chunked"),
         404,
         0,
         -1,
         PSV_HTTP_1_1,
         PSV_H1_FRAMING_CHUNKED,
         false,
         DATE,
         {NULL, 0},
         "HTTP/1.1 404 Not Found\r\nDate: now\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {ROW("without a body"),
         204,
         0,
         -1,
         PSV_HTTP_1_1,
         PSV_H1_FRAMING_NONE,
         false,
         DATE,
         {NULL, 0},
         "HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n"},
        {ROW("HTTP/1.0 keep-alive is said"),
         200,
         0,
         1,
         PSV_HTTP_1_0,
         PSV_H1_FRAMING_LENGTH,
         false,
         DATE,
         {NULL, 0},
         "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n"},
        {ROW("HTTP/1.0 until the end"),
         200,
         0,
         -1,
         PSV_HTTP_1_0,
         PSV_H1_FRAMING_CLOSE,
         true,
         DATE,
         {NULL, 0},
         "HTTP/1.1 200 OK\r\nDate: now\r\nConnection: close\r\n\r\n"},
        {ROW("unknown status"),
         799,
         0,
         0,
         PSV_HTTP_1_1,
         PSV_H1_FRAMING_LENGTH,
         false,
         DATE,
         {NULL, 0},
         "HTTP/1.1 799 Unknown\r\nDate: now\r\nContent-Length: 0\r\n\r\n"},
        {ROW("the application's Date and Server win"), 200, 3, 0, PSV_HTTP_1_1, PSV_H1_FRAMING_LENGTH, false,
         DATE, SERVER, "HTTP/1.1 200 OK\r\nDate: then\r\nServer: mine\r\nX: \r\nContent-Length: 0\r\n\r\n"},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_response response = {
            .status = row->status,
            .content_length = row->content_length,
            .headers = {.items = own_fields, .len = row->fields_len},
        };
        const struct psv_h1_head head = {
            .response = &response,
            .version = row->version,
            .framing = row->framing,
            .closes = row->closes,
            .date = row->date,
            .server = row->server,
        };
        size_t size = psv_h1_head_size(&head);
        char *out = malloc(size);
        assert_non_null(out);
        size_t len = psv_h1_head_format(&head, out);
        assert_true(len <= size);
        assert_bytes_equal(((struct psv_bytes){out, len}), row->expected);
        free(out);
    }
}

static void test_chunk_sizes(void **state)
{
    static const struct {
        TABLE_ROW;
        uint64_t len;
        const char *expected;
    } cases[] = {
        {ROW("one"), 1, "1\r\n"},
        {ROW("fifteen"), 15, "f\r\n"},
        {ROW("sixteen"), 16, "10\r\n"},
        {ROW("64 KiB"), 65536, "10000\r\n"},
        {ROW("largest"), UINT64_MAX, "ffffffffffffffff\r\n"},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        char out[20];
        assert_bytes_equal(((struct psv_bytes){out, psv_h1_chunk_format(row->len, out)}), row->expected);
    }
}

/* The server's own fields: at once when all are missing, else one by one. */
static void test_extra_fields(void **state)
{
    static struct psv_field fields[] = {
        {.name = PSV_BYTES_INIT("X"), .value = PSV_BYTES_INIT("1"), .id = PSV_FIELD_UNKNOWN},
        {.name = PSV_BYTES_INIT("b-two"), .value = PSV_BYTES_INIT("own"), .id = PSV_FIELD_UNKNOWN},
        {.name = PSV_BYTES_INIT("A-One"), .value = PSV_BYTES_INIT("own"), .id = PSV_FIELD_UNKNOWN},
    };
    static const char *const expected[] = {
        "HTTP/1.1 204 No Content\r\nX: 1\r\nA-One: 1\r\nB-Two: 2\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nX: 1\r\nb-two: own\r\nA-One: 1\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nX: 1\r\nb-two: own\r\nA-One: own\r\n\r\n",
    };
    struct psv_extra_fields extra = {.len = 0};
    (void)state;
    assert_true(psv_extra_fields_add(&extra, PSV_BYTES("A-One"), PSV_BYTES("1")));
    assert_true(psv_extra_fields_add(&extra, PSV_BYTES("B-Two"), PSV_BYTES("2")));
    for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
        const struct psv_response response = {.status = 204, .headers = {.items = fields, .len = i + 1}};
        const struct psv_h1_head head = {.response = &response, .version = PSV_HTTP_1_1, .extra = &extra};
        char out[512];
        assert_true(psv_h1_head_size(&head) <= sizeof(out));
        size_t len = psv_h1_head_format(&head, out);
        assert_bytes_equal(((struct psv_bytes){out, len}), expected[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_extra_fields),
        cmocka_unit_test(test_chunk_sizes),
    };
    return cmocka_run_group_tests_name("write", tests, NULL, NULL);
}
