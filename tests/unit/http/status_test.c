/* Tests of http/status.c.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

#include "http/status.h"

static void test_known_codes(void **state)
{
    (void)state;
    assert_string_equal(psv_status_text(100), "Continue");
    assert_string_equal(psv_status_text(404), "Not Found");
    assert_string_equal(psv_status_text(413), "Content Too Large");
    assert_string_equal(psv_status_text(511), "Network Authentication Required");
    TEXT(psv_status_line(200), "HTTP/1.1 200 OK\r\n");
    TEXT(psv_status_line(503), "HTTP/1.1 503 Service Unavailable\r\n");
}

static void test_line_and_text_agree(void **state)
{
    unsigned known = 0;
    (void)state;
    for (unsigned status = 0; status < 1100; status++) {
        char line[80];
        struct psv_bytes actual = psv_status_line(status);
        if (actual.len == 0) {
            assert_string_equal(psv_status_text(status), "Unknown");
            continue;
        }
        int len = snprintf(line, sizeof(line), "HTTP/1.1 %u %s\r\n", status, psv_status_text(status));
        assert_true(psv_bytes_equal(actual, (struct psv_bytes){line, (size_t)len}));
        known++;
    }
    assert_in_range(known, 55, 70);
}

static void test_out_of_range(void **state)
{
    static const unsigned codes[] = {0, 1, 99, 299, 600, 999, 1000, UINT32_MAX, UINT32_MAX - 99};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        assert_string_equal(psv_status_text(codes[i]), "Unknown");
        assert_int_equal(psv_status_line(codes[i]).len, 0);
    }
}

static void test_bodiless_9110_6_4_1(void **state)
{
    (void)state;
    assert_true(psv_status_is_bodiless(100));
    assert_true(psv_status_is_bodiless(199));
    assert_true(psv_status_is_bodiless(204));
    assert_true(psv_status_is_bodiless(304));
    assert_false(psv_status_is_bodiless(99));
    assert_false(psv_status_is_bodiless(200));
    assert_false(psv_status_is_bodiless(205));
    assert_false(psv_status_is_bodiless(404));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_codes),
        cmocka_unit_test(test_line_and_text_agree),
        cmocka_unit_test(test_out_of_range),
        cmocka_unit_test(test_bodiless_9110_6_4_1),
    };
    return cmocka_run_group_tests_name("http/status", tests, NULL, NULL);
}
