/* Tests of http/field.c.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

#include "http/field.h"

static void test_every_name_is_found_in_any_case(void **state)
{
    (void)state;
    for (unsigned i = PSV_FIELD_UNKNOWN + 1; i < PSV_FIELD_COUNT; i++) {
        struct psv_bytes name = psv_field_name((enum psv_field_id)i);
        char lower[64];
        char upper[64];
        assert_in_range(name.len, 1, sizeof(lower));
        for (size_t at = 0; at < name.len; at++) {
            lower[at] = psv_ascii_lower(name.data[at]);
            upper[at] = psv_ascii_upper(name.data[at]);
        }
        assert_int_equal(psv_field_find(name), i);
        assert_int_equal(psv_field_find((struct psv_bytes){lower, name.len}), i);
        assert_int_equal(psv_field_find((struct psv_bytes){upper, name.len}), i);
    }
}

/* Every known name with one byte changed, dropped or added is unknown. */
static void test_near_misses_are_unknown(void **state)
{
    (void)state;
    for (unsigned i = PSV_FIELD_UNKNOWN + 1; i < PSV_FIELD_COUNT; i++) {
        struct psv_bytes name = psv_field_name((enum psv_field_id)i);
        char text[64];
        for (size_t at = 0; at < name.len; at++) {
            memcpy(text, name.data, name.len);
            text[at] = text[at] == '_' ? '-' : '_';
            assert_int_equal(psv_field_find((struct psv_bytes){text, name.len}), PSV_FIELD_UNKNOWN);
        }
        memcpy(text, name.data, name.len);
        text[name.len] = 'x';
        assert_int_equal(psv_field_find((struct psv_bytes){text, name.len + 1}), PSV_FIELD_UNKNOWN);
        assert_int_equal(psv_field_find(psv_bytes_first(name, name.len - 1)), PSV_FIELD_UNKNOWN);
    }
    assert_int_equal(psv_field_find(PSV_BYTES("")), PSV_FIELD_UNKNOWN);
    assert_int_equal(psv_field_find(PSV_BYTES_EMPTY), PSV_FIELD_UNKNOWN);
    TEXT(psv_field_name(PSV_FIELD_UNKNOWN), "");
}

static void test_long_names_are_unknown(void **state)
{
    /* the low 16 bits of this length are those of "TE" */
    static char text[65536 + 2];
    (void)state;
    memset(text, 'e', sizeof(text));
    text[0] = 't';
    assert_int_equal(psv_field_find((struct psv_bytes){text, sizeof(text)}), PSV_FIELD_UNKNOWN);
    assert_int_equal(psv_field_find((struct psv_bytes){text, 256}), PSV_FIELD_UNKNOWN);
}

static void test_names_are_tokens_9110_5_1(void **state)
{
    const char *specials = "!#$%&'*+-.^_`|~";
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        char c = (char)byte;
        bool is_letter = psv_ascii_lower(c) >= 'a' && psv_ascii_lower(c) <= 'z';
        bool expected = is_letter || psv_ascii_is_digit(c) || (c != '\0' && strchr(specials, c) != NULL);
        char name[3] = {'a', c, 'b'};
        assert_int_equal(psv_field_name_is_valid((struct psv_bytes){&c, 1}), expected);
        assert_int_equal(psv_field_name_is_valid((struct psv_bytes){name, 3}), expected);
    }
    assert_false(psv_field_name_is_valid(PSV_BYTES("")));
    assert_false(psv_field_name_is_valid(PSV_BYTES_EMPTY));
}

static void test_values_have_no_control_bytes_9110_5_5(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        char value[3] = {'a', (char)byte, 'b'};
        bool expected = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        assert_int_equal(psv_field_value_is_valid((struct psv_bytes){value, 3}), expected);
    }
    assert_true(psv_field_value_is_valid(PSV_BYTES("")));
    assert_true(psv_field_value_is_valid(PSV_BYTES(" blank at both ends ")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_name_is_found_in_any_case),
        cmocka_unit_test(test_near_misses_are_unknown),
        cmocka_unit_test(test_long_names_are_unknown),
        cmocka_unit_test(test_names_are_tokens_9110_5_1),
        cmocka_unit_test(test_values_have_no_control_bytes_9110_5_5),
    };
    return cmocka_run_group_tests_name("http/field", tests, NULL, NULL);
}
