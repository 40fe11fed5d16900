/* Tests of http/basic_credentials.c: RFC 7617, and what is no credentials.
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include <string.h>

#include "base/error.h"

#include "http/basic_credentials.h"

static const struct {
    TABLE_ROW;
    const char *value;
    int code;
    const char *user;
    const char *password;
} rows[] = {
    {ROW("RFC 7617 2"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", PSV_OK, "Aladdin", "open sesame"},
    {ROW("RFC 7617 2.1"), "Basic dGVzdDoxMjPCow==", PSV_OK, "test", "123\xc2\xa3"},
    {ROW("scheme in another case"), "bAsIc YTpi", PSV_OK, "a", "b"},
    {ROW("blanks around"), "Basic   YTpi \t", PSV_OK, "a", "b"},
    {ROW("without padding"), "Basic YTpiYw", PSV_OK, "a", "bc"},
    {ROW("colon in the password"), "Basic YTpiOmM6", PSV_OK, "a", "b:c:"},
    {ROW("both empty"), "Basic Og==", PSV_OK, "", ""},
    {ROW("nothing"), "", PSV_EUNSUPPORTED, "", ""},
    {ROW("scheme alone"), "Basic", PSV_EUNSUPPORTED, "", ""},
    {ROW("another scheme"), "Bearer YTpi", PSV_EUNSUPPORTED, "", ""},
    {ROW("longer scheme"), "Basics YTpi", PSV_EUNSUPPORTED, "", ""},
    {ROW("no digits"), "Basic ", PSV_ESYNTAX, "", ""},
    {ROW("no colon"), "Basic YWI=", PSV_ESYNTAX, "", ""},
    {ROW("foreign byte"), "Basic YT-i", PSV_ESYNTAX, "", ""},
    {ROW("blank inside"), "Basic YT pi", PSV_ESYNTAX, "", ""},
    {ROW("one digit too many"), "Basic YTpiY", PSV_ESYNTAX, "", ""},
    {ROW("padding too long"), "Basic YTpi===", PSV_ESYNTAX, "", ""},
    {ROW("padding that is none"), "Basic YTpi=", PSV_ESYNTAX, "", ""},
    {ROW("padding inside"), "Basic YT==pi", PSV_ESYNTAX, "", ""},
    {ROW("NUL"), "Basic YTpiAGM=", PSV_ESYNTAX, "", ""},
    {ROW("control byte"), "Basic YQE6Yg==", PSV_ESYNTAX, "", ""},
};

static void test_rows(void **state)
{
    (void)state;
    TABLE_FOR_EACH(row, rows)
    {
        char out[PSV_BASIC_BYTES_MAX];
        char user[16];
        struct psv_basic_credentials found;
        assert_int_equal(psv_basic_credentials_parse(psv_bytes_of(row->value), out, &found), row->code);
        if (row->code != PSV_OK) {
            continue;
        }
        assert_true(psv_bytes_equal(found.user, psv_bytes_of(row->user)));
        assert_true(psv_bytes_equal(found.password, psv_bytes_of(row->password)));
        size_t len = psv_basic_user(psv_bytes_of(row->value), user, sizeof(user));
        assert_true(psv_bytes_equal((struct psv_bytes){user, len}, found.user));
    }
}

static void encode(struct psv_bytes text, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    memcpy(out, "Basic ", 6);
    out += 6;
    for (size_t i = 0; i < text.len; i += 3) {
        unsigned bits = 0;
        for (size_t k = 0; k < 3; k++) {
            bits = bits << 8 | (i + k < text.len ? (unsigned char)text.data[i + k] : 0);
        }
        for (size_t k = 0; k < 4; k++) {
            *out++ = i + k <= text.len ? digits[bits >> (18 - 6 * k) & 63] : '=';
        }
    }
    *out = '\0';
}

static void test_lengths(void **state)
{
    (void)state;
    static const struct {
        size_t user_len;
        size_t password_len;
        int code;
    } cases[] = {
        {255, 511, PSV_OK},     {256, 1, PSV_ELIMIT},     {1, 512, PSV_ELIMIT},
        {255, 512, PSV_ELIMIT}, {3000, 3000, PSV_ELIMIT},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[6002];
        char value[9000];
        char out[PSV_BASIC_BYTES_MAX];
        struct psv_basic_credentials found;
        memset(text, 'x', sizeof(text));
        text[cases[i].user_len] = ':';
        encode((struct psv_bytes){text, cases[i].user_len + 1 + cases[i].password_len}, value);
        assert_int_equal(psv_basic_credentials_parse(psv_bytes_of(value), out, &found), cases[i].code);
        assert_true(cases[i].code != PSV_OK || found.password.len == cases[i].password_len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
