/* Tests of http/mime.c.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

/* for its table */
#include "http/mime.c"

static void test_table_is_sorted_and_every_row_is_found(void **state)
{
    char name[40] = "/dir.png/a.b.";
    size_t prefix = strlen(name);
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct psv_bytes extension = rows[i].extension;
        assert_in_range(extension.len, 1, sizeof(name) - prefix);
        if (i > 0) {
            assert_true(compare(rows[i - 1].extension, extension) < 0);
        }
        for (size_t at = 0; at < extension.len; at++) {
            assert_int_equal(extension.data[at], psv_ascii_lower(extension.data[at]));
            name[prefix + at] = at % 2 == 0 ? psv_ascii_upper(extension.data[at]) : extension.data[at];
        }
        assert_ptr_equal(psv_mime_find((struct psv_bytes){name, prefix + extension.len}).data,
                         rows[i].type.data);
        assert_true(psv_bytes_find(rows[i].type, '/') < rows[i].type.len);
    }
}

static const struct mime_test_row {
    const char *name;
    const char *path;
    const char *type;
} test_rows[] = {
    {"html", "/index.html", "text/html; charset=utf-8"},
    {"RFC 9239 script", "/a.js", "text/javascript; charset=utf-8"},
    {"RFC 9239 module", "/a.mjs", "text/javascript; charset=utf-8"},
    {"style", "/a.css", "text/css; charset=utf-8"},
    {"RFC 8259 11 JSON has no charset", "/a.json", "application/json"},
    {"source map", "/a.js.map", "application/json"},
    {"wasm", "/a.wasm", "application/wasm"},
    {"avif", "/a.avif", "image/avif"},
    {"RFC 8081 woff2", "/a.woff2", "font/woff2"},
    {"web manifest", "/site.webmanifest", "application/manifest+json"},
    {"svg", "/a.SVG", "image/svg+xml; charset=utf-8"},
    {"last extension counts", "/a.html.png", "image/png"},
    {"last segment counts", "/a.html/b", "application/octet-stream"},
    {"no extension", "/Makefile", "application/octet-stream"},
    {"dot at the end", "/a.", "application/octet-stream"},
    {"hidden file without extension", "/.png", "application/octet-stream"},
    {"hidden file with extension", "/.a.png", "image/png"},
    {"no slash", "a.png", "image/png"},
    {"empty", "", "application/octet-stream"},
    {"unknown", "/a.xyzzy", "application/octet-stream"},
    {"prefix of a known one", "/a.htm_", "application/octet-stream"},
    {"known one is a prefix", "/a.pngx", "application/octet-stream"},
    {"bytes above 127", "/a.\xff\xfe", "application/octet-stream"},
    {"full-width letters do not fold", "/a.\xef\xbd\x90ng", "application/octet-stream"},
    {"script", "/a.php", "application/octet-stream"},
};

static void test_find(void **state)
{
    (void)state;
    FOR_ROWS(struct mime_test_row, row, test_rows)
    {
        ROW_TEXT(row, psv_mime_find(psv_bytes_of(row->path)), psv_bytes_of(row->type));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_sorted_and_every_row_is_found),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests_name("http/mime", tests, NULL, NULL);
}
