/* Tests of http/script_path.c.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

#include "http/script_path.h"

static const struct script_row {
    const char *name;
    const char *path;
    const char *candidates[6]; /* script, path_info (NULL: none), script, ... */
    unsigned len;
} script_rows[] = {
    {"plain", "/index.php", {"/index.php", NULL}, 1},
    {"RFC 3875 4.1.5 PATH_INFO", "/index.php/a/b", {"/index.php", "/a/b"}, 1},
    {"trailing slash", "/a/index.php/", {"/a/index.php", "/"}, 1},
    {"two candidates", "/a.php/b.php/c", {"/a.php", "/b.php/c", "/a.php/b.php", "/c"}, 2},
    {"three candidates",
     "/a.php/b.php/c.php",
     {"/a.php", "/b.php/c.php", "/a.php/b.php", "/c.php", "/a.php/b.php/c.php", NULL},
     3},
    {"an upload is no script, only what is below it",
     "/upload/x.jpg/y.php",
     {"/upload/x.jpg/y.php", NULL},
     1},
    {"root", "/", {0}, 0},
    {"empty", "", {0}, 0},
    {"directory", "/a/b/", {0}, 0},
    {"other extension", "/a.html", {0}, 0},
    {"no extension", "/php", {0}, 0},
    {"longer extension", "/a.php5", {0}, 0},
    {"longer extension with path", "/a.phpx/b", {0}, 0},
    {"in the middle of a name", "/a.php.txt/b", {0}, 0},
    {"upper case is another name", "/a.PHP", {0}, 0},
    {"mixed case is another name", "/a.Php/b", {0}, 0},
    {"hidden file of that name", "/.php", {0}, 0},
    {"hidden file with path", "/.php/a", {0}, 0},
    {"no dot", "/aphp", {0}, 0},
    {"encoded slash is part of the name", "/a.php%2Fb", {0}, 0},
    {"blank behind", "/a.php ", {0}, 0},
    {"dot behind", "/a.php.", {0}, 0},
    {"full-width letters do not fold", "/a.\xef\xbd\x90hp", {0}, 0},
    {"long s and Kelvin sign do not fold", "/\xe2\x84\xaa.ph\xc5\xbf", {0}, 0},
    {"bytes above 127 in the name", "/\xc3\xa4.php", {"/\xc3\xa4.php", NULL}, 1},
    {"slashes behind", "/a.php//b", {"/a.php", "//b"}, 1},
};

static void test_candidates(void **state)
{
    (void)state;
    FOR_ROWS(struct script_row, row, script_rows)
    {
        struct psv_bytes path = psv_bytes_of(row->path);
        struct psv_bytes script;
        struct psv_bytes path_info;
        size_t position = 0;
        for (unsigned i = 0; i < row->len; i++) {
            ROW_CHECK(row, psv_script_path_next(path, &position, &script, &path_info));
            ROW_TEXT(row, script, psv_bytes_of(row->candidates[2 * i]));
            ROW_TEXT(row, path_info, psv_bytes_of(row->candidates[2 * i + 1]));
            ROW_CHECK(row, (path_info.data == NULL) == (row->candidates[2 * i + 1] == NULL));
        }
        ROW_CHECK(row, !psv_script_path_next(path, &position, &script, &path_info));
        ROW_CHECK(row, !psv_script_path_next(path, &position, &script, &path_info));
    }
}

struct name_row {
    const char *name;
    const char *path;
    bool expected;
};

static const struct name_row hidden_rows[] = {
    {"plain", "/a/b.c", false},
    {"root", "/", false},
    {"empty", "", false},
    {"file", "/.env", true},
    {"directory", "/.git/config", true},
    {"deep", "/a/b/.htaccess", true},
    {"only a dot", "/a/.", true},
    {"two dots inside", "/a..b/c", false},
    {"RFC 8615", "/.well-known/acme-challenge/x", false},
    {"RFC 8615 itself", "/.well-known", false},
    {"hidden below it", "/.well-known/.env", true},
    {"well-known elsewhere", "/a/.well-known/b", true},
    {"longer name", "/.well-knownx/b", true},
    {"other case", "/.Well-Known/b", true},
    {"behind an encoded slash it is part of a name", "/a%2F.env", false},
};

static const struct name_row source_rows[] = {
    {"php", "/a.php", true},
    {"any case", "/a.PhP", true},
    {"php3", "/a.php3", true},
    {"php8", "/x/a.php8", true},
    {"php74", "/a.php74", true},
    {"phtml", "/a.phtml", true},
    {"phps", "/a.phps", true},
    {"phpt", "/a.phpt", true},
    {"pht", "/a.pht", true},
    {"phar", "/a.PHAR", true},
    {"inc", "/config.inc", true},
    {"php in inc", "/config.inc.php", true},
    {"only an extension", "/.php", true},
    {"Emacs and vi copies", "/a.php~", true},
    {"bak", "/a.php.bak", true},
    {"bak in any case", "/a.php.BAK", true},
    {"orig of phtml", "/a.phtml.orig", true},
    {"save", "/a.php.save", true},
    {"swap file", "/.a.php.swp", true},
    {"next swap file", "/.a.php.swo", true},
    {"autosave", "/#a.php#", true},
    {"numbered", "/a.php.~1~", true},
    {"rotated", "/a.php.1", true},
    {"dist", "/config.inc.php.dist", true},
    {"package leftovers", "/config.php.dpkg-old", true},
    {"copy of a copy", "/a.php.bak.old~", true},
    {"html", "/a.html", false},
    {"script about php", "/mode-php.js", false},
    {"php in the middle", "/a.php.png", false},
    {"mirrored page", "/index.php.html", false},
    {"directory of that name", "/a.php/b.png", false},
    {"letters behind", "/a.phpx", false},
    {"shorter", "/a.ph", false},
    {"no name", "/a/", false},
    {"empty", "", false},
    {"no slash", "a.php", true},
    {"bak of something else", "/a.png.bak", false},
    {"only a suffix", "/~", false},
    {"only digits", "/1.2.3", false},
    {"version in a name", "/jquery-3.7.1.min.js", false},
    {"full-width letters do not fold", "/a.\xef\xbd\x90hp", false},
};

static void test_hidden(void **state)
{
    (void)state;
    FOR_ROWS(struct name_row, row, hidden_rows)
    {
        ROW_INT(row, psv_path_is_hidden(psv_bytes_of(row->path)), row->expected);
    }
}

static void test_script_source(void **state)
{
    (void)state;
    FOR_ROWS(struct name_row, row, source_rows)
    {
        ROW_INT(row, psv_path_is_script_source(psv_bytes_of(row->path)), row->expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_candidates),
        cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_script_source),
    };
    return cmocka_run_group_tests_name("http/script_path", tests, NULL, NULL);
}
