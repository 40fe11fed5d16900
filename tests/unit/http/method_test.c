/* Tests of http/method.c.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

#include "http/method.h"

static void test_every_method_is_found(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PSV_METHOD_OTHER; i++) {
        const char *text = psv_method_text((enum psv_method)i);
        assert_int_equal(psv_method_find(psv_bytes_of(text)), i);
    }
    assert_string_equal(psv_method_text(PSV_METHOD_QUERY), "QUERY");
    assert_string_equal(psv_method_text(PSV_METHOD_OTHER), "OTHER");
}

static void test_everything_else_is_other(void **state)
{
    static const char *const others[] = {
        "",      "G",     "get",    "Get",      "GEt",    "GETS",     "PUP",          "POTS",    "HEAR",
        "PATCh", "QUERX", "TRACEE", "TRASH",    "DELETf", "OPTIONs",  "CONNECTS",     "CONNECt", "FOO",
        "OTHER", "PURGE", "LOCK",   "PROPFIND", "MKCOL",  "M-SEARCH", "\xc7\x45\x54",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        assert_int_equal(psv_method_find(psv_bytes_of(others[i])), PSV_METHOD_OTHER);
    }
}

static void test_properties_9110_9(void **state)
{
    (void)state;
    assert_true(psv_method_is_safe(PSV_METHOD_GET));
    assert_true(psv_method_is_safe(PSV_METHOD_HEAD));
    assert_true(psv_method_is_safe(PSV_METHOD_OPTIONS));
    assert_true(psv_method_is_safe(PSV_METHOD_TRACE));
    assert_true(psv_method_is_safe(PSV_METHOD_QUERY));
    assert_false(psv_method_is_safe(PSV_METHOD_POST));
    assert_false(psv_method_is_safe(PSV_METHOD_DELETE));
    assert_false(psv_method_is_safe(PSV_METHOD_OTHER));
    assert_true(psv_method_may_have_body(PSV_METHOD_POST));
    assert_true(psv_method_may_have_body(PSV_METHOD_OTHER));
    assert_false(psv_method_may_have_body(PSV_METHOD_GET));
    assert_false(psv_method_may_have_body(PSV_METHOD_TRACE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_method_is_found),
        cmocka_unit_test(test_everything_else_is_other),
        cmocka_unit_test(test_properties_9110_9),
    };
    return cmocka_run_group_tests_name("http/method", tests, NULL, NULL);
}
