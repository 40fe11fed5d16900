/* Tests of http/cgi_name.c: RFC 3875 4.1.18.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

#include "http/cgi_name.h"

static const struct name_row {
    const char *name;
    const char *field;
    const char *variable;
    bool is_forwarded;
} rows[] = {
    {"4.1.18 hyphens and case", "User-Agent", "HTTP_USER_AGENT", true},
    {"lower case", "accept-encoding", "HTTP_ACCEPT_ENCODING", true},
    {"unknown", "X-Y", "HTTP_X_Y", true},
    {"digits", "X-1-b2", "HTTP_X_1_B2", true},
    {"authorization reaches the script", "Authorization", "HTTP_AUTHORIZATION", true},
    {"host", "Host", "HTTP_HOST", true},
    {"underscore poses as hyphen", "X_Y", "HTTP_X_Y", false},
    {"underscore at the end", "X-Y_", "HTTP_X_Y_", false},
    {"PHP turns a dot into an underscore", "X.Y", "HTTP_X.Y", false},
    {"other token bytes", "X+Y", "HTTP_X+Y", false},
    {"bytes above 127", "X\xc3\xa4", "HTTP_X\xc3\xa4", false},
    {"colon of a pseudo-field", ":path", "HTTP_:PATH", false},
    {"httpoxy", "Proxy", "HTTP_PROXY", false},
    {"httpoxy in any case", "pROXY", "HTTP_PROXY", false},
    {"not httpoxy", "Proxy-Connection", "HTTP_PROXY_CONNECTION", true},
    {"4.1.3 Content-Type", "Content-Type", "CONTENT_TYPE", false},
    {"4.1.2 Content-Length", "content-length", "CONTENT_LENGTH", false},
    {"Content-Encoding is an ordinary one", "Content-Encoding", "HTTP_CONTENT_ENCODING", true},
    {"empty", "", "HTTP_", false},
};

static void test_names(void **state)
{
    (void)state;
    FOR_ROWS(struct name_row, row, rows)
    {
        struct psv_bytes name = psv_bytes_of(row->field);
        struct psv_field field = {.name = name, .id = psv_field_find(name)};
        char out[64];
        size_t needed = strlen(row->variable) + 1;
        if (!row->is_forwarded) {
            ROW_INT(row, psv_cgi_name(&field, out, sizeof(out)), 0);
            continue;
        }
        ROW_INT(row, psv_cgi_name(&field, out, sizeof(out)), needed - 1);
        ROW_TEXT(row, psv_bytes_of(out), psv_bytes_of(row->variable));
        ROW_CHECK(row, needed <= name.len + 6);
        memset(out, '#', sizeof(out));
        ROW_INT(row, psv_cgi_name(&field, out, needed), needed - 1);
        ROW_INT(row, out[needed], '#');
        for (size_t size = 0; size < needed; size++) {
            ROW_INT(row, psv_cgi_name(&field, out, size), 0);
        }
    }
}

/* Each character by itself, against the rule in words. */
static void test_characters(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        const char name[] = {'X', (char)c};
        const struct psv_field field = {.name = {name, sizeof(name)}};
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool is_good = is_letter || (c >= '0' && c <= '9') || c == '-';
        char out[16];
        assert_int_equal(psv_cgi_name(&field, out, sizeof(out)), is_good ? 7 : 0);
        if (is_good) {
            assert_int_equal(out[6], c == '-' ? '_' : psv_ascii_upper((char)c));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_characters),
    };
    return cmocka_run_group_tests_name("http/cgi_name", tests, NULL, NULL);
}
