/* Tests of http/target.c.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

#include "http/target.h"

struct good_row {
    const char *name;
    const char *raw;
    const char *target; /* NULL: as raw */
    const char *raw_path;
    const char *path;
    const char *query; /* NULL: there is none */
};

static const struct good_row good_rows[] = {
    {"RFC 9112 3.2.1 root", "/", NULL, "/", "/", NULL},
    {"RFC 9112 3.2.1 path and query", "/where?q=now", NULL, "/where", "/where", "q=now"},
    {"empty query is a query", "/a?", NULL, "/a", "/a", ""},
    {"query keeps everything", "/a?b=/../%zz%00?c", NULL, "/a", "/a", "b=/../%zz%00?c"},
    {"root with query", "/?a", NULL, "/", "/", "a"},
    {"escapes are decoded once", "/%61%2541", NULL, "/%61%2541", "/a%41", NULL},
    {"escapes in either case", "/%c3%A4", NULL, "/%c3%A4", "/\xc3\xa4", NULL},
    {"blank and plus", "/a%20b+c", NULL, "/a%20b+c", "/a b+c", NULL},
    {"an encoded slash stays data", "/a%2Fb%2fc", NULL, "/a%2Fb%2fc", "/a%2Fb%2fc", NULL},
    {"an encoded slash makes no dot segment", "/a/..%2F..%2Fb", NULL, "/a/..%2F..%2Fb", "/a/..%2F..%2Fb",
     NULL},
    {"an encoded question mark is data", "/a%3Fb?c", NULL, "/a%3Fb", "/a?b", "c"},
    {"an encoded hash is data", "/a%23b", NULL, "/a%23b", "/a#b", NULL},
    {"encoded control bytes are data", "/a%0a%7f", NULL, "/a%0a%7f", "/a\n\x7f", NULL},
    {"raw bytes above 127 are data", "/\xff\x80?\xfe", NULL, "/\xff\x80", "/\xff\x80", "\xfe"},
    {"backslash is data", "/a\\..\\b", NULL, "/a\\..\\b", "/a\\..\\b", NULL},
    {"encoded backslash is data", "/..%5c..%5cb", NULL, "/..%5c..%5cb", "/..\\..\\b", NULL},
    {"RFC 3986 5.2.4 example", "/a/b/c/./../../g", NULL, "/a/b/c/./../../g", "/a/g", NULL},
    {"RFC 3986 5.2.4 dot at the end", "/a/.", NULL, "/a/.", "/a/", NULL},
    {"RFC 3986 5.2.4 dots at the end", "/a/b/..", NULL, "/a/b/..", "/a/", NULL},
    {"RFC 3986 5.2.4 back to the root", "/a/..", NULL, "/a/..", "/", NULL},
    {"RFC 3986 5.2.4 only a dot", "/.", NULL, "/.", "/", NULL},
    {"dot segment before a query", "/a/..?b", NULL, "/a/..", "/", "b"},
    {"dot before a query", "/.?b", NULL, "/.", "/", "b"},
    {"encoded dots are dots", "/a/%2e%2E/b/%2e/c", NULL, "/a/%2e%2E/b/%2e/c", "/b/c", NULL},
    {"half-encoded dots are dots", "/a/.%2e/b/%2e./c", NULL, "/a/.%2e/b/%2e./c", "/c", NULL},
    {"twice encoded dots are data", "/a/%252e%252e/b", NULL, "/a/%252e%252e/b", "/a/%2e%2e/b", NULL},
    {"three dots are a name", "/.../a", NULL, "/.../a", "/.../a", NULL},
    {"hidden names are names", "/.well-known/..a/a.", NULL, "/.well-known/..a/a.", "/.well-known/..a/a.",
     NULL},
    {"slashes are merged", "//a///b//", NULL, "//a///b//", "/a/b/", NULL},
    {"only slashes", "///", NULL, "///", "/", NULL},
    {"slashes are merged before dots count", "/a//../b", NULL, "/a//../b", "/b", NULL},
    {"slash, dot, slash", "/./a/./", NULL, "/./a/./", "/a/", NULL},
    {"a host in the path is a path", "//example.com/a", NULL, "//example.com/a", "/example.com/a", NULL},
    {"a URI in the path is a path", "/http://a/b", NULL, "/http://a/b", "/http:/a/b", NULL},
    {"odd but printable", "/\"<>^`{|}[]", NULL, "/\"<>^`{|}[]", "/\"<>^`{|}[]", NULL},
};

static void check_good(const struct good_row *row, const struct psv_request *request)
{
    ROW_TEXT(row, request->target, psv_bytes_of(row->target != NULL ? row->target : row->raw));
    ROW_TEXT(row, request->raw_path, psv_bytes_of(row->raw_path));
    ROW_TEXT(row, request->path, psv_bytes_of(row->path));
    ROW_TEXT(row, request->query, psv_bytes_of(row->query));
    ROW_CHECK(row, (request->query.data == NULL) == (row->query == NULL));
}

static void test_origin_form(void **state)
{
    FOR_ROWS(struct good_row, row, good_rows)
    {
        struct psv_request request = {.authority = PSV_BYTES("kept")};
        ROW_INT(row, psv_target_parse(*state, PSV_METHOD_GET, psv_bytes_of(row->raw), &request), 0);
        check_good(row, &request);
        ROW_TEXT(row, request.authority, PSV_BYTES("kept"));
        ROW_CHECK(row, !psv_target_is_asterisk(&request));
    }
}

struct bad_row {
    const char *name;
    struct psv_bytes raw;
    enum psv_method method;
    int error;
};

#define BAD(name, raw)                                                                                       \
    {                                                                                                        \
        name, PSV_BYTES_INIT(raw), PSV_METHOD_GET, PSV_ESYNTAX                                               \
    }

static const struct bad_row bad_rows[] = {
    BAD("empty", ""),
    BAD("RFC 9112 3.2 fragment", "/a#b"),
    BAD("fragment in the query", "/a?b#c"),
    BAD("blank", "/a b"),
    BAD("tab", "/a\tb"),
    BAD("blank in the query", "/a?b c"),
    BAD("NUL", "/a\0b"),
    BAD("NUL in the query", "/a?\0"),
    BAD("CR", "/a\rb"),
    BAD("DEL", "/a\x7f"),
    BAD("encoded NUL", "/a%00b"),
    BAD("encoded NUL at the end", "/a.php%00"),
    BAD("escape without digits", "/a%"),
    BAD("escape with one digit", "/a%4"),
    BAD("escape cut by a segment", "/a%4/b"),
    BAD("escape cut by the query", "/a%4?1"),
    BAD("escape with other letters", "/%zz"),
    BAD("escape with a bad second digit", "/%4g"),
    BAD("escape with a sign", "/%+1"),
    BAD("above the root", "/.."),
    BAD("above the root and back", "/../etc/passwd"),
    BAD("above the root later", "/a/../../b"),
    BAD("above the root, encoded", "/%2e%2e/b"),
    BAD("above the root behind slashes", "//.."),
    BAD("above the root behind a dot", "/./../a"),
    BAD("RFC 9112 3.2.4 asterisk with GET", "*"),
    BAD("asterisk with more", "*/"),
    BAD("no slash", "a/b"),
    BAD("authority-form without CONNECT", "example.com:80"),
    BAD("other scheme", "ftp://example.com/"),
    BAD("scheme only", "http:"),
    BAD("scheme without slashes", "http:/a"),
    BAD("scheme without authority", "http:///a"),
    BAD("RFC 9110 4.2.1 empty authority", "http://"),
    BAD("RFC 9110 4.2.4 user information", "http://user:secret@example.com/"),
    BAD("blank in the authority", "http://a b/"),
    BAD("bad port", "http://a:b/"),
    BAD("fragment behind the authority", "http://a#b"),
    BAD("bad path in absolute-form", "http://a/../b"),
    BAD("bad query in absolute-form", "http://a?b c"),
    BAD("asterisk in absolute-form", "http://a*/%"),
    BAD("query only", "?a"),
    {"RFC 9110 9.3.6 CONNECT", PSV_BYTES_INIT("example.com:443"), PSV_METHOD_CONNECT, PSV_EUNSUPPORTED},
    {"CONNECT with a path", PSV_BYTES_INIT("/"), PSV_METHOD_CONNECT, PSV_EUNSUPPORTED},
};

static void test_refused(void **state)
{
    FOR_ROWS(struct bad_row, row, bad_rows)
    {
        struct psv_request request = {.path = PSV_BYTES("untouched")};
        ROW_INT(row, psv_target_parse(*state, row->method, row->raw, &request), row->error);
        ROW_TEXT(row, request.path, PSV_BYTES("untouched"));
        ROW_INT(row, request.target.len + request.authority.len + request.host.len, 0);
    }
}

struct absolute_row {
    struct good_row good;
    const char *authority;
    const char *host;
    unsigned port;
    enum psv_method method;
};

static const struct absolute_row absolute_rows[] = {
    {{"RFC 9112 3.2.2 example", "http://www.example.org/pub/WWW/TheProject.html", "/pub/WWW/TheProject.html",
      "/pub/WWW/TheProject.html", "/pub/WWW/TheProject.html", NULL},
     "www.example.org",
     "www.example.org",
     0,
     PSV_METHOD_GET},
    {{"port", "https://a:8443/b?c", "/b?c", "/b", "/b", "c"}, "a:8443", "a", 8443, PSV_METHOD_GET},
    {{"scheme in any case", "HtTpS://a/", "/", "/", "/", NULL}, "a", "a", 0, PSV_METHOD_GET},
    {{"no path", "http://a", "/", "/", "/", NULL}, "a", "a", 0, PSV_METHOD_GET},
    {{"no path but a query", "http://a?b/c", "/?b/c", "/", "/", "b/c"}, "a", "a", 0, PSV_METHOD_GET},
    {{"IPv6", "http://[::1]:80/x/../y", "/x/../y", "/x/../y", "/y", NULL},
     "[::1]:80",
     "[::1]",
     80,
     PSV_METHOD_GET},
    {{"RFC 9112 3.2.4 OPTIONS for a proxy", "http://www.example.org:8001", "*", "*", "/", NULL},
     "www.example.org:8001",
     "www.example.org",
     8001,
     PSV_METHOD_OPTIONS},
    {{"OPTIONS with a path", "http://a/", "/", "/", "/", NULL}, "a", "a", 0, PSV_METHOD_OPTIONS},
};

static void test_absolute_form(void **state)
{
    FOR_ROWS(struct absolute_row, absolute, absolute_rows)
    {
        const struct good_row *row = &absolute->good;
        struct psv_request request = {.authority = PSV_BYTES("replaced")};
        ROW_INT(row, psv_target_parse(*state, absolute->method, psv_bytes_of(row->raw), &request), 0);
        check_good(row, &request);
        ROW_TEXT(row, request.authority, psv_bytes_of(absolute->authority));
        ROW_TEXT(row, request.host, psv_bytes_of(absolute->host));
        ROW_INT(row, request.port, absolute->port);
    }
}

static void test_asterisk_form_9112_3_2_4(void **state)
{
    struct psv_request request = {.query = PSV_BYTES("x")};
    assert_int_equal(psv_target_parse(*state, PSV_METHOD_OPTIONS, PSV_BYTES("*"), &request), 0);
    assert_true(psv_target_is_asterisk(&request));
    TEXT(request.target, "*");
    TEXT(request.raw_path, "*");
    TEXT(request.path, "/");
    assert_null(request.query.data);
}

/* The hot path: nothing to change, nothing copied. */
static void test_plain_target_allocates_nothing(void **state)
{
    struct psv_arena *arena = *state;
    struct psv_bytes raw = PSV_BYTES("/.well-known/a..b/index.php?a=%2e%2e//");
    struct psv_request request = {0};
    uint64_t before = psv_memory_allocation_count();
    assert_int_equal(psv_target_parse(arena, PSV_METHOD_GET, raw, &request), 0);
    assert_ptr_equal(request.path.data, raw.data);
    assert_ptr_equal(request.target.data, raw.data);
    assert_int_equal(arena->used_bytes, 0);
    assert_int_equal(psv_memory_allocation_count(), before);
}

static void test_out_of_memory(void **state)
{
    struct psv_arena arena;
    struct psv_request request = {0};
    (void)state;
    psv_arena_init(&arena, 0);
    assert_int_equal(psv_target_parse(&arena, PSV_METHOD_GET, PSV_BYTES("/a/../b"), &request), PSV_ENOMEM);
    assert_int_equal(psv_target_parse(&arena, PSV_METHOD_GET, PSV_BYTES("http://a?b"), &request), PSV_ENOMEM);
    assert_int_equal(request.path.len + request.authority.len, 0);
    assert_int_equal(psv_target_parse(&arena, PSV_METHOD_GET, PSV_BYTES("http://a/b"), &request), 0);
    psv_arena_fini(&arena);
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_origin_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_absolute_form, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_asterisk_form_9112_3_2_4, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_plain_target_allocates_nothing, set_up, tear_down),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("http/target", tests, NULL, NULL);
}
