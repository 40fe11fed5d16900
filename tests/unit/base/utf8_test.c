/* UTF-8: the edges of RFC 3629, and every two-byte beginning.
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include "base/utf8.h"

static void test_sequences(void **state)
{
    static const struct {
        TABLE_ROW;
        struct psv_bytes text;
        size_t len; /* 0: refused */
        uint32_t code;
    } cases[] = {
        {ROW("nothing"), PSV_BYTES_INIT(""), 0, 0},
        {ROW("NUL"), PSV_BYTES_INIT("\0x"), 1, 0},
        {ROW("ASCII, more behind it"), PSV_BYTES_INIT("ab"), 1, 'a'},
        {ROW("last of one byte"), PSV_BYTES_INIT("\x7f"), 1, 0x7f},
        {ROW("first of two bytes"), PSV_BYTES_INIT("\xc2\x80"), 2, 0x80},
        {ROW("last of two bytes"), PSV_BYTES_INIT("\xdf\xbf"), 2, 0x7ff},
        {ROW("first of three bytes"), PSV_BYTES_INIT("\xe0\xa0\x80"), 3, 0x800},
        {ROW("before the surrogates"), PSV_BYTES_INIT("\xed\x9f\xbf"), 3, 0xd7ff},
        {ROW("after the surrogates"), PSV_BYTES_INIT("\xee\x80\x80"), 3, 0xe000},
        {ROW("last of three bytes"), PSV_BYTES_INIT("\xef\xbf\xbf"), 3, 0xffff},
        {ROW("first of four bytes"), PSV_BYTES_INIT("\xf0\x90\x80\x80"), 4, 0x10000},
        {ROW("last of all"), PSV_BYTES_INIT("\xf4\x8f\xbf\xbf"), 4, 0x10ffff},
        {ROW("continuation alone"), PSV_BYTES_INIT("\x80"), 0, 0},
        {ROW("overlong, two bytes"), PSV_BYTES_INIT("\xc1\xbf"), 0, 0},
        {ROW("overlong, three bytes"), PSV_BYTES_INIT("\xe0\x9f\xbf"), 0, 0},
        {ROW("overlong, four bytes"), PSV_BYTES_INIT("\xf0\x8f\xbf\xbf"), 0, 0},
        {ROW("first surrogate"), PSV_BYTES_INIT("\xed\xa0\x80"), 0, 0},
        {ROW("last surrogate"), PSV_BYTES_INIT("\xed\xbf\xbf"), 0, 0},
        {ROW("past the end"), PSV_BYTES_INIT("\xf4\x90\x80\x80"), 0, 0},
        {ROW("five bytes"), PSV_BYTES_INIT("\xf8\x88\x80\x80\x80"), 0, 0},
        {ROW("cut"), PSV_BYTES_INIT("\xe2\x82"), 0, 0},
        {ROW("wrong continuation"), PSV_BYTES_INIT("\xc3("), 0, 0},
    };

    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        uint32_t code = 0;
        assert_int_equal(psv_utf8_decode(row->text, &code), row->len);
        assert_int_equal(code, row->code);
    }
}

/* What is decoded is what encoding by the RFC's table gives. */
static void test_all_code_points(void **state)
{
    (void)state;
    for (uint32_t code = 0x80; code <= 0x10ffff; code++) {
        char out[4];
        size_t len = 0;
        if (code >= 0xd800 && code <= 0xdfff) {
            continue;
        }
        if (code >= 0x10000) {
            out[len++] = (char)(0xf0 | code >> 18);
            out[len++] = (char)(0x80 | (code >> 12 & 0x3f));
            out[len++] = (char)(0x80 | (code >> 6 & 0x3f));
        } else if (code >= 0x800) {
            out[len++] = (char)(0xe0 | code >> 12);
            out[len++] = (char)(0x80 | (code >> 6 & 0x3f));
        } else {
            out[len++] = (char)(0xc0 | code >> 6);
        }
        out[len++] = (char)(0x80 | (code & 0x3f));
        uint32_t found = 0;
        assert_int_equal(psv_utf8_decode((struct psv_bytes){out, len}, &found), len);
        assert_int_equal(found, code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequences),
        cmocka_unit_test(test_all_code_points),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
