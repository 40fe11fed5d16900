/* Which site and prefix a host and a path belong to.
 *
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/macros.h"
#include "config/config.h"
#include "server/site_table.h"

#define LIST(...)                                                                                            \
    {                                                                                                        \
        .items = (const char *const[]){__VA_ARGS__}, .len = ARRAY_SIZE(((const char *const[]){__VA_ARGS__})) \
    }

static struct psv_config_scope scopes[] = {
    {.prefix = "", .config.site.hosts = LIST("A.example", "*.a.example")},     /* 1 */
    {.prefix = "", .config.site.hosts = LIST("b.a.example", "*.b.a.example")}, /* 2 */
    {.prefix = "/x", .around = 0},                                             /* 3 */
    {.prefix = "/x", .around = 1},                                             /* 4 */
    {.prefix = "/x/y/z", .around = 1},                                         /* 5 */
    {.prefix = "/x/y", .around = 1},                                           /* 6 */
};

#define NONE ((size_t)-1)

static const struct {
    const char *host;
    const char *path;
    size_t number;
} cases[] = {
    {"a.example", "/", 1},
    {"A.EXAMPLE", "/", 1},
    {"a.example.", "/", 1},
    {"a.example..", "/", 0},
    {"c.a.example", "/", 1},
    {"c.d.a.example", "/", 1},
    {"b.a.example", "/", 2},
    {"c.b.a.example", "/", 2},
    {"xa.example", "/", 0},
    {"example", "/", 0},
    {".a.example", "/", 1},
    {"", "/", 0},
    {".", "/", 0},
    {"..", "/", 0},
    {"other", "/x", 3},
    {"other", "/x/", 3},
    {"other", "/x/y/z", 3},
    {"other", "/xy", 0},
    {"other", "/", 0},
    {"a.example", "/x", 4},
    {"a.example", "/x/y", 6},
    {"a.example", "/x/yy", 4},
    {"a.example", "/x/y/z/a", 5},
    {"b.a.example", "/x", 2},
};

static void finds(void **state)
{
    (void)state;
    const struct psv_config_loaded loaded = {.scopes = scopes, .scopes_len = ARRAY_SIZE(scopes)};
    struct psv_site_table table;
    assert_int_equal(psv_site_table_init(&table, &loaded, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t number = NONE;
        print_message("%s %s\n", cases[i].host, cases[i].path);
        assert_true(
            psv_site_table_find(&table, psv_bytes_of(cases[i].host), psv_bytes_of(cases[i].path), &number));
        assert_int_equal(number, cases[i].number);
    }
    char longest[300];
    for (size_t i = 0; i < sizeof(longest); i++) {
        longest[i] = i % 2 == 0 ? 'a' : '.';
    }
    for (size_t len = 240; len <= sizeof(longest); len++) {
        size_t number = NONE;
        assert_true(psv_site_table_find(&table, (struct psv_bytes){longest, len}, PSV_BYTES("/"), &number));
        assert_int_equal(number, 0);
    }
    psv_site_table_fini(&table);
}

static void named_hosts_only(void **state)
{
    (void)state;
    const struct psv_config_loaded loaded = {
        .scopes = scopes, .scopes_len = ARRAY_SIZE(scopes), .config.site.hosts = LIST("base.example")};
    struct psv_site_table table;
    size_t number;
    assert_int_equal(psv_site_table_init(&table, &loaded, NULL), 0);
    assert_false(psv_site_table_find(&table, PSV_BYTES("other"), PSV_BYTES("/x"), &number));
    assert_true(psv_site_table_find(&table, PSV_BYTES("base.example"), PSV_BYTES("/x"), &number));
    assert_int_equal(number, 3);
    psv_site_table_fini(&table);
}

static void one_site(void **state)
{
    (void)state;
    const struct psv_config_loaded loaded = {.scopes_len = 0};
    struct psv_site_table table;
    size_t number = NONE;
    assert_int_equal(psv_site_table_init(&table, &loaded, NULL), 0);
    assert_true(table.is_single);
    assert_true(psv_site_table_find(&table, PSV_BYTES("any"), PSV_BYTES("/"), &number));
    assert_int_equal(number, 0);
    psv_site_table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds),
        cmocka_unit_test(named_hosts_only),
        cmocka_unit_test(one_site),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
