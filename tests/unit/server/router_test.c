/* Tests of server/router.c on a document root of its own.
 *
 * SPDX-License-Identifier: MIT */
#include "../handler/fake_exchange.h"
#include "temp_folder.h"

#include "config/config.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/safe_open.h"
#include "server/router.h"

static uint64_t now_ns;

static uint64_t fake_monotonic_ns(void)
{
    return now_ns;
}

struct fixture {
    struct temp_folder folder;
    int root_fd;
    struct psv_config config;
    struct psv_router *router;
    struct fake_exchange fake;
    struct psv_route route;
    char text[600];
};

static void make_link(const struct fixture *fixture, const char *target, const char *name)
{
    char path[512];
    assert_int_equal(symlink(target, temp_folder_path(&fixture->folder, name, path)), 0);
}

static void fill_folder(const struct fixture *fixture)
{
    static const char *const files[] = {
        "root/index.php",
        "root/style.css",
        "root/a b&c.txt",
        "root/blog/index.php",
        "root/blog/post.php",
        "root/html/index.html",
        "root/both/index.html",
        "root/both/index.php",
        "root/files/readme.txt",
        "root/upload/x.jpg",
        "root/.env",
        "root/.git/config",
        "root/.hidden.php",
        "root/.well-known/a.txt",
        "root/.well-known/run.php",
        "root/.well-known/.h",
        "root/old.php.bak",
        "root/lib.inc",
        "root/UPPER.PHP",
        "root/app.php/inner.php",
        "root/app.php/data.txt",
        "root/ext.php5",
        "root/page.phtml",
        "root/per%2Fcent.txt",
        "secret/secret.txt",
        "secret/evil.php",
        "root/sub/.htaccess",
        "root/php",
        "root/caf\xc3\xa9/a.txt",
    };
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        temp_folder_write(&fixture->folder, files[i], "x");
    temp_folder_make_folder(&fixture->folder, "root/empty");
    temp_folder_make_folder(&fixture->folder, "root/\\evil.example");
    temp_folder_make_folder(&fixture->folder, "root/a b?#%");
    make_link(fixture, "../secret/secret.txt", "root/link.txt");
    make_link(fixture, "../secret/evil.php", "root/link.php");
    make_link(fixture, "../secret", "root/linked");
    make_link(fixture, "index.php", "root/inside.php");
}

static void start(struct fixture *fixture)
{
    char root[512];
    temp_folder_path(&fixture->folder, "root", root);
    psv_router_free(fixture->router);
    assert_int_equal(
        psv_router_new(&fixture->config, fixture->root_fd, psv_bytes_of(root), &fixture->router, NULL), 0);
    fixture->router->cache.options.monotonic_ns = fake_monotonic_ns;
}

static int set_up(void **state)
{
    static struct fixture fixture;
    char root[512];
    fixture = (struct fixture){
        .config.site = {.index = "", .fallback = "", .assets = ""},
        .config.static_files = {
            .enabled = true, .cache_entries = 1024, .cache_valid_ms = 1000, .ranges_max = 8}};
    now_ns = PSV_NS_PER_S;
    temp_folder_make(&fixture.folder);
    fill_folder(&fixture);
    assert_int_equal(
        psv_safe_open_root(temp_folder_path(&fixture.folder, "root", root), &fixture.root_fd, NULL), 0);
    start(&fixture);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    fixture->router = psv_router_free(fixture->router);
    psv_fd_close(fixture->root_fd);
    temp_folder_remove(&fixture->folder);
    return table_report_row(state);
}

/* The decision as text: "file /path", "script /path|path info", "redirect <location>", "none <status>". */
static const char *decide(struct fixture *fixture, const char *target)
{
    struct psv_route *route = &fixture->route;
    fake_exchange_begin(&fixture->fake, "GET", target, NULL);
    memset(route, 0xff, sizeof(*route));
    psv_router_route(fixture->router, fixture->fake.exchange, route);
    switch (route->kind) {
    case PSV_ROUTE_STATIC:
        snprintf(fixture->text, sizeof(fixture->text), "file %.*s", PSV_BYTES_ARG(route->file.file->path));
        break;
    case PSV_ROUTE_SCRIPT:
        snprintf(fixture->text, sizeof(fixture->text), "script %.*s|%.*s", PSV_BYTES_ARG(route->script.name),
                 PSV_BYTES_ARG(route->script.path_info));
        break;
    case PSV_ROUTE_REDIRECT:
        assert_int_equal(route->status, 301);
        snprintf(fixture->text, sizeof(fixture->text), "redirect %.*s", PSV_BYTES_ARG(route->location));
        break;
    case PSV_ROUTE_NONE:
        assert_non_null(route->reason);
        snprintf(fixture->text, sizeof(fixture->text), "none %u", route->status);
        break;
    }
    return fixture->text;
}

static void assert_route(struct fixture *fixture, const char *target, const char *expected)
{
    assert_string_equal(decide(fixture, target), expected);
    fake_exchange_end(&fixture->fake);
}

static void test_routes(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *target;
        const char *expected;
    } cases[] = {
        {ROW("file"), "/style.css", "file /style.css"},
        {ROW("file with a query"), "/style.css?v=1", "file /style.css"},
        {ROW("encoded name"), "/a%20b%26c.txt", "file /a b&c.txt"},
        {ROW("script"), "/index.php", "script /index.php|"},
        {ROW("script with a query"), "/index.php?a=/x.php", "script /index.php|"},
        {ROW("path info"), "/index.php/a/b", "script /index.php|/a/b"},
        {ROW("path info of one slash"), "/index.php/", "script /index.php|/"},
        {ROW("hidden name as path info"), "/index.php/.env", "script /index.php|/.env"},
        {ROW("script as path info"), "/index.php/blog/post.php", "script /index.php|/blog/post.php"},
        {ROW("nested script"), "/blog/post.php/7", "script /blog/post.php|/7"},
        {ROW("folder named like a script"), "/app.php/inner.php/x", "script /app.php/inner.php|/x"},
        {ROW("file below it"), "/app.php/data.txt", "file /app.php/data.txt"},
        {ROW("that folder itself"), "/app.php", "redirect /app.php/"},
        {ROW("root"), "/", "script /index.php|"},
        {ROW("index.php of a folder"), "/blog/", "script /blog/index.php|"},
        {ROW("index.html of a folder"), "/html/", "file /html/index.html"},
        {ROW("index.php comes first"), "/both/", "script /both/index.php|"},
        {ROW("no index, no listing"), "/files/", "none 404"},
        {ROW("empty folder"), "/empty/", "none 404"},
        {ROW("folder without slash"), "/blog", "redirect /blog/"},
        {ROW("folder without slash, query"), "/blog?a=1&b=%2F%3F", "redirect /blog/?a=1&b=%2F%3F"},
        {ROW("folder without slash, empty query"), "/blog?", "redirect /blog/?"},
        {ROW("folder without index still gets its slash"), "/empty", "redirect /empty/"},
        {ROW("bytes that mean something in a URL"), "/a%20b%3F%23%25", "redirect /a%20b%3F%23%25/"},
        {ROW("bytes above 127"), "/caf%C3%A9", "redirect /caf%C3%A9/"},
        {ROW("no way to another host: slashes"), "//blog", "redirect /blog/"},
        {ROW("no way to another host: backslash"), "/%5Cevil.example", "redirect /%5Cevil.example/"},
        {ROW("no way to another host: dots"), "/.//evil.example/..//blog", "redirect /blog/"},
        {ROW("missing"), "/missing.css", "none 404"},
        {ROW("missing folder"), "/missing/", "none 404"},
        {ROW("missing script"), "/missing.php", "none 404"},
        {ROW("missing script with path info"), "/missing.php/x", "none 404"},
        {ROW("slash behind a file"), "/style.css/", "none 404"},
        {ROW("file as a folder"), "/upload/x.jpg/y.php", "none 404"},
        {ROW("name that is not .php"), "/php", "file /php"},
        {ROW("dot file"), "/.env", "none 404"},
        {ROW("dot folder"), "/.git/config", "none 404"},
        {ROW("nested dot file"), "/sub/.htaccess", "none 404"},
        {ROW("hidden script"), "/.hidden.php", "none 404"},
        {ROW("well-known file"), "/.well-known/a.txt", "file /.well-known/a.txt"},
        {ROW("well-known script"), "/.well-known/run.php", "script /.well-known/run.php|"},
        {ROW("hidden below well-known"), "/.well-known/.h", "none 404"},
        {ROW("encoded dot"), "/%2Eenv", "none 404"},
        {ROW("copy of a script"), "/old.php.bak", "none 404"},
        {ROW("include file"), "/lib.inc", "none 404"},
        {ROW("capitals"), "/UPPER.PHP", "none 404"},
        {ROW("php5"), "/ext.php5", "none 404"},
        {ROW("phtml"), "/page.phtml", "none 404"},
        {ROW("encoded slash is no separator"), "/blog%2Fpost.php", "none 404"},
        {ROW("link out of the root"), "/link.txt", "none 404"},
        {ROW("script link out of the root"), "/link.php", "none 404"},
        {ROW("folder link out of the root"), "/linked", "none 404"},
        {ROW("script below a link out of the root"), "/linked/evil.php", "none 404"},
        {ROW("link inside the root"), "/inside.php/x", "script /inside.php|/x"},
        {ROW("climbing stays inside"), "/blog/../style.css", "file /style.css"},
    };
    TABLE_FOR_EACH(row, cases)
    {
        assert_route(*state, row->target, row->expected);
        assert_route(*state, row->target, row->expected); /* from the cache */
    }
}

static void test_followed_links(void **state)
{
    struct fixture *fixture = *state;
    fixture->config.static_files.follow_symlinks = true;
    start(fixture);
    assert_route(fixture, "/link.txt", "file /link.txt");
    assert_route(fixture, "/link.php", "script /link.php|");
    assert_route(fixture, "/linked/evil.php", "script /linked/evil.php|");
    assert_route(fixture, "/linked", "redirect /linked/");
}

static void test_static_files_off(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *target;
        const char *expected;
    } cases[] = {
        {ROW("file"), "/style.css", "script /index.php|"},
        {ROW("missing"), "/some/page", "script /index.php|"},
        {ROW("folder with index.html only"), "/html/", "script /index.php|"},
        {ROW("script"), "/blog/post.php/1", "script /blog/post.php|/1"},
        {ROW("dot file"), "/.env", "none 404"},
        {ROW("copy of a script"), "/old.php.bak", "none 404"},
    };
    struct fixture *fixture = *state;
    fixture->config.static_files.enabled = false;
    start(fixture);
    TABLE_FOR_EACH(row, cases)
    assert_route(fixture, row->target, row->expected);
}

static void test_texts_of_a_script(void **state)
{
    struct fixture *fixture = *state;
    char expected[512];
    decide(fixture, "/blog/post.php/7");
    struct psv_script script = fixture->route.script;
    assert_bytes_equal(script.filename, temp_folder_path(&fixture->folder, "root/blog/post.php", expected));
    assert_int_equal(script.filename.data[script.filename.len], '\0');
    assert_int_equal(script.name.data[script.name.len], '\0');
    assert_int_equal(script.path_info.data[script.path_info.len], '\0');
    fake_exchange_end(&fixture->fake);
    decide(fixture, "/blog/post.php");
    assert_null(fixture->route.script.path_info.data);
    fake_exchange_end(&fixture->fake);
}

static void test_document_root_with_slashes_at_its_end(void **state)
{
    struct fixture *fixture = *state;
    static const char *const roots[] = {"/", "/srv/www/", "/srv/www"};
    static const char *const expected[] = {"/index.php", "/srv/www/index.php", "/srv/www/index.php"};
    for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
        fixture->router = psv_router_free(fixture->router);
        assert_int_equal(psv_router_new(&fixture->config, fixture->root_fd, psv_bytes_of(roots[i]),
                                        &fixture->router, NULL),
                         0);
        decide(fixture, "/index.php");
        assert_bytes_equal(fixture->route.script.filename, expected[i]);
        fake_exchange_end(&fixture->fake);
    }
}

/* The target's parser merges slashes; should one ever let them through, no client may be sent to another
 * host. */
static void test_redirect_of_a_path_with_two_slashes(void **state)
{
    struct fixture *fixture = *state;
    fake_exchange_begin(&fixture->fake, "GET", "/", NULL);
    fixture->fake.exchange->request.path = PSV_BYTES("//blog");
    psv_router_route(fixture->router, fixture->fake.exchange, &fixture->route);
    assert_int_equal(fixture->route.kind, PSV_ROUTE_REDIRECT);
    assert_bytes_equal(fixture->route.location, "/blog/");
    fake_exchange_end(&fixture->fake);
}

static void test_many_candidates_cost_one_look_up(void **state)
{
    struct fixture *fixture = *state;
    char target[4096] = "";
    for (size_t len = 0; len + 7 < sizeof(target) / 2; len += 6)
        memcpy(target + len, "/x.php", 7);
    assert_route(fixture, target, "none 404");
    /* the first candidate, and the path as a whole, which is too long to remember */
    assert_int_equal(fixture->router->cache.absent_len, 1);
}

static void test_deployed_and_removed_scripts(void **state)
{
    struct fixture *fixture = *state;
    char path[512];
    assert_route(fixture, "/new.php", "none 404");
    temp_folder_write(&fixture->folder, "root/new.php", "<?php");
    now_ns += PSV_NS_PER_S;
    assert_route(fixture, "/new.php", "script /new.php|");
    assert_int_equal(unlink(temp_folder_path(&fixture->folder, "root/new.php", path)), 0);
    now_ns += PSV_NS_PER_S;
    assert_route(fixture, "/new.php", "none 404");
}

static void test_file_lives_as_long_as_the_exchange(void **state)
{
    struct fixture *fixture = *state;
    decide(fixture, "/style.css");
    const struct psv_cached_file *file = fixture->route.file.file;
    assert_int_equal(file->references, 2);
    psv_file_cache_clear(&fixture->router->cache);
    assert_int_equal(file->references, 1);
    fake_exchange_end(&fixture->fake); /* under ASan: neither too early nor never */
}

static void test_redirect_answer(void **state)
{
    struct fixture *fixture = *state;
    decide(fixture, "/blog?x");
    psv_router_answer_redirect(fixture->fake.exchange, &fixture->route);
    assert_int_equal(fixture->fake.answers, 1);
    assert_int_equal(fixture->fake.exchange->response.status, 301);
    assert_bytes_equal(fake_field(&fixture->fake, PSV_FIELD_LOCATION), "/blog/?x");
    fake_exchange_end(&fixture->fake);
}

/* Whatever is short of memory, a route comes out, and nothing leaks. */
static void test_no_memory(void **state)
{
    struct fixture *fixture = *state;
    static const char *const targets[] = {"/style.css", "/blog/post.php/7", "/blog/", "/blog"};
    unsigned refused = 0;
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        for (unsigned number = 1; number < 6; number++) {
            psv_file_cache_clear(&fixture->router->cache);
            fake_exchange_begin(&fixture->fake, "GET", targets[i], NULL);
            struct psv_arena *arena = &fixture->fake.exchange->arena;
            arena->max_bytes = 0; /* no further block, and no room in this one */
            arena->end = arena->next;
            psv_memory_fail_after(number);
            psv_router_route(fixture->router, fixture->fake.exchange, &fixture->route);
            psv_memory_fail_after(0);
            assert_int_equal(fixture->route.kind, PSV_ROUTE_NONE);
            assert_int_equal(fixture->route.status, 503);
            refused++;
            fake_exchange_end(&fixture->fake);
        }
    }
    assert_int_equal(refused, 20);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_routes),
        TEST(test_followed_links),
        TEST(test_static_files_off),
        TEST(test_texts_of_a_script),
        TEST(test_document_root_with_slashes_at_its_end),
        TEST(test_redirect_of_a_path_with_two_slashes),
        TEST(test_many_candidates_cost_one_look_up),
        TEST(test_deployed_and_removed_scripts),
        TEST(test_file_lives_as_long_as_the_exchange),
        TEST(test_redirect_answer),
        TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
