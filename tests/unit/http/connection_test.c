/* Tests of http/connection.c.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

#include "http/connection.h"

static const struct persist_row {
    const char *name;
    enum psv_http_version version;
    const char *fields;
    bool persists;
} rows[] = {
    {"RFC 9112 9.3 default of 1.1", PSV_HTTP_1_1, "", true},
    {"RFC 9112 9.3 close", PSV_HTTP_1_1, "Connection: close", false},
    {"any case", PSV_HTTP_1_1, "connection: Close", false},
    {"close in a list", PSV_HTTP_1_1, "Connection: foo ,\tclose", false},
    {"close in a second field", PSV_HTTP_1_1, "Connection: te\nA: b\nConnection: close", false},
    {"close wins over keep-alive", PSV_HTTP_1_1, "Connection: keep-alive, close", false},
    {"not close", PSV_HTTP_1_1, "Connection: closed, close-, \"close\"", true},
    {"keep-alive is nothing new", PSV_HTTP_1_1, "Connection: keep-alive", true},
    {"another field's close", PSV_HTTP_1_1, "Proxy-Connection: close", true},
    {"RFC 9112 9.3 default of 1.0", PSV_HTTP_1_0, "", false},
    {"RFC 9112 9.3 keep-alive in 1.0", PSV_HTTP_1_0, "Connection: Keep-Alive", true},
    {"keep-alive and close in 1.0", PSV_HTTP_1_0, "Connection: keep-alive\nConnection: close", false},
    {"close in 1.0", PSV_HTTP_1_0, "Connection: close", false},
    {"RFC 9113 8.2.2 means nothing in HTTP/2", PSV_HTTP_2, "connection: close", true},
};

static void test_persists(void **state)
{
    (void)state;
    FOR_ROWS(struct persist_row, row, rows)
    {
        struct psv_arena arena;
        psv_arena_init(&arena, 1 << 16);
        struct psv_request request = request_with(&arena, PSV_METHOD_GET, row->version, row->fields);
        ROW_INT(row, psv_connection_persists(&request), row->persists);
        psv_arena_fini(&arena);
    }
}

static void test_options_9110_7_6_1(void **state)
{
    struct psv_arena arena;
    struct psv_headers headers;
    struct psv_connection_options options = {0};
    struct psv_bytes option;
    (void)state;
    psv_arena_init(&arena, 1 << 16);
    psv_headers_init(&headers, 16);
    add_fields(&headers, &arena,
               "Host: a\nConnection: ,  Upgrade,,X-Foo ,\nTE: x\nConnection: \nConnection: a b, TE");
    assert_true(psv_connection_option_next(&headers, &options, &option));
    TEXT(option, "Upgrade");
    assert_true(psv_connection_option_next(&headers, &options, &option));
    TEXT(option, "X-Foo");
    assert_true(psv_connection_option_next(&headers, &options, &option));
    TEXT(option, "TE");
    assert_false(psv_connection_option_next(&headers, &options, &option));
    assert_false(psv_connection_option_next(&headers, &options, &option));
    assert_true(psv_connection_option_is_set(&headers, PSV_BYTES("x-foo")));
    assert_true(psv_connection_option_is_set(&headers, PSV_BYTES("te")));
    assert_false(psv_connection_option_is_set(&headers, PSV_BYTES("x-fo")));
    assert_false(psv_connection_option_is_set(&headers, PSV_BYTES("host")));
    psv_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_persists),
        cmocka_unit_test(test_options_9110_7_6_1),
    };
    return cmocka_run_group_tests_name("http/connection", tests, NULL, NULL);
}
