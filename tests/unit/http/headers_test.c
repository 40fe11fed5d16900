/* Tests of http/headers.c and http/request.c.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

static int set_up(void **state)
{
    static struct psv_arena arena;
    psv_arena_init(&arena, 1 << 20);
    *state = &arena;
    return 0;
}

static int tear_down(void **state)
{
    psv_arena_fini(*state);
    return 0;
}

static void test_order_spelling_and_duplicates_stay(void **state)
{
    struct psv_headers headers;
    psv_headers_init(&headers, 100);
    add_fields(&headers, *state, "hOST: a\nX-One: 1\nCookie: a=1\nx-one: 2\ncookie: b=2");
    assert_int_equal(headers.len, 5);
    TEXT(headers.items[0].name, "hOST");
    assert_int_equal(headers.items[0].id, PSV_FIELD_HOST);
    TEXT(headers.items[3].name, "x-one");
    assert_int_equal(headers.items[3].id, PSV_FIELD_UNKNOWN);
    assert_ptr_equal(psv_headers_find(&headers, PSV_FIELD_COOKIE), &headers.items[2]);
    assert_null(psv_headers_find(&headers, PSV_FIELD_RANGE));
    TEXT(psv_headers_value(&headers, PSV_FIELD_COOKIE), "a=1");
    assert_null(psv_headers_value(&headers, PSV_FIELD_RANGE).data);
    assert_int_equal(psv_headers_count(&headers, PSV_FIELD_COOKIE), 2);
    assert_int_equal(psv_headers_count(&headers, PSV_FIELD_RANGE), 0);
}

/* What was never begun, or had fields taken out, is looked through. */
static void test_what_is_known_to_be_absent(void **state)
{
    struct psv_headers headers;
    psv_headers_init(&headers, 100);
    assert_true(psv_headers_lack(&headers, PSV_FIELD_UNKNOWN));
    add_fields(&headers, *state, "Host: a\nX-One: 1");
    assert_int_equal(psv_headers_add_known(&headers, *state, PSV_FIELD_VARY, PSV_BYTES("x")), 0);
    for (int id = 0; id < PSV_FIELD_COUNT; id++) {
        bool is_there = id == PSV_FIELD_HOST || id == PSV_FIELD_UNKNOWN || id == PSV_FIELD_VARY;
        assert_int_equal(psv_headers_lack(&headers, (enum psv_field_id)id), !is_there);
        assert_int_equal(psv_headers_count(&headers, (enum psv_field_id)id), is_there);
        assert_int_equal(psv_headers_find(&headers, (enum psv_field_id)id) != NULL, is_there);
    }
    const struct psv_headers made = {.items = headers.items, .len = headers.len};
    assert_false(psv_headers_lack(&made, PSV_FIELD_RANGE));
    assert_null(psv_headers_find(&made, PSV_FIELD_RANGE));
    assert_ptr_equal(psv_headers_find(&made, PSV_FIELD_HOST), &headers.items[0]);
}

static void test_limit_and_growth(void **state)
{
    static const unsigned limits[] = {0, 1, 15, 16, 17, 33, 1000};
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        struct psv_headers headers;
        psv_headers_init(&headers, limits[i]);
        for (unsigned n = 0; n < limits[i]; n++) {
            assert_int_equal(psv_headers_add_known(&headers, *state, PSV_FIELD_VARY, PSV_BYTES("x")), 0);
        }
        assert_int_equal(psv_headers_add(&headers, *state, PSV_BYTES("A"), PSV_BYTES("")), PSV_ELIMIT);
        assert_int_equal(headers.len, limits[i]);
        assert_in_range(headers.capacity, headers.len, limits[i]);
        assert_int_equal(psv_headers_count(&headers, PSV_FIELD_VARY), limits[i]);
        if (limits[i] > 0) {
            TEXT(headers.items[limits[i] - 1].name, "Vary");
        }
    }
}

static void test_join_9110_5_3(void **state)
{
    struct psv_headers headers;
    struct psv_bytes one;
    psv_headers_init(&headers, 10);
    assert_null(psv_headers_join(&headers, *state, PSV_FIELD_COOKIE, PSV_BYTES("; ")).data);
    add_fields(&headers, *state, "Vary: a\nCookie: c=1\nAccept: text/html\nCookie: \nCookie: d=2");
    TEXT(psv_headers_join(&headers, *state, PSV_FIELD_COOKIE, PSV_BYTES("; ")), "c=1; ; d=2");
    one = psv_headers_join(&headers, *state, PSV_FIELD_VARY, PSV_BYTES(", "));
    assert_ptr_equal(one.data, headers.items[0].value.data);
    assert_null(psv_headers_join(&headers, *state, PSV_FIELD_HOST, PSV_BYTES(", ")).data);
    /* present but empty is not absent */
    assert_int_equal(psv_headers_add_known(&headers, *state, PSV_FIELD_HOST, PSV_BYTES_EMPTY), 0);
    assert_non_null(psv_headers_join(&headers, *state, PSV_FIELD_HOST, PSV_BYTES(", ")).data);
    assert_int_equal(psv_headers_add_known(&headers, *state, PSV_FIELD_HOST, PSV_BYTES_EMPTY), 0);
    TEXT(psv_headers_join(&headers, *state, PSV_FIELD_HOST, PSV_BYTES("")), "");
}

static void test_out_of_memory_is_reported(void **state)
{
    struct psv_headers headers;
    struct psv_arena small;
    (void)state;
    psv_headers_init(&headers, 10);
    psv_arena_init(&small, 1 << 16);
    psv_memory_fail_after(1);
    assert_int_equal(psv_headers_add(&headers, &small, PSV_BYTES("A"), PSV_BYTES("b")), PSV_ENOMEM);
    psv_memory_fail_after(0);
    assert_int_equal(headers.len, 0);
    add_fields(&headers, &small, "Cookie: a\nCookie: b");
    /* the arena has no room left for the joined text */
    small.max_bytes = small.used_bytes;
    small.end = small.next;
    assert_null(psv_headers_join(&headers, &small, PSV_FIELD_COOKIE, PSV_BYTES("; ")).data);
    psv_arena_fini(&small);
}

static void test_version_texts(void **state)
{
    (void)state;
    assert_string_equal(psv_http_version_text(PSV_HTTP_1_0), "HTTP/1.0");
    assert_string_equal(psv_http_version_text(PSV_HTTP_1_1), "HTTP/1.1");
    assert_string_equal(psv_http_version_text(PSV_HTTP_2), "HTTP/2.0");
}

static void test_a_field_by_its_name(void **state)
{
    struct psv_headers headers;
    struct psv_arena arena;

    (void)state;
    psv_arena_init(&arena, 4096);
    psv_headers_init(&headers, 4);
    assert_null(psv_headers_find_name(&headers, PSV_BYTES("X-Key")));
    assert_int_equal(psv_headers_add(&headers, &arena, PSV_BYTES("x-key"), PSV_BYTES("first")), PSV_OK);
    assert_int_equal(psv_headers_add(&headers, &arena, PSV_BYTES("X-KEY"), PSV_BYTES("second")), PSV_OK);
    assert_ptr_equal(psv_headers_find_name(&headers, PSV_BYTES("X-Key")), &headers.items[0]);
    assert_null(psv_headers_find_name(&headers, PSV_BYTES("X-Ke")));
    psv_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_field_by_its_name),
        cmocka_unit_test_setup_teardown(test_order_spelling_and_duplicates_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_known_to_be_absent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limit_and_growth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_join_9110_5_3, set_up, tear_down),
        cmocka_unit_test(test_out_of_memory_is_reported),
        cmocka_unit_test(test_version_texts),
    };
    return cmocka_run_group_tests_name("http/headers", tests, NULL, NULL);
}
