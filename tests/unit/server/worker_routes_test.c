/* Tests of server/worker_routes.c: which script of worker mode answers a name or a path, in which site.
 *
 * SPDX-License-Identifier: MIT */
#include "temp_folder.h"

#include "config/config.h"
#include "server/worker_routes.h"

struct fixture {
    struct temp_folder folder;
    struct psv_config_loaded loaded;
    struct psv_worker_routes *routes;
    char root[512];
};

static void load(struct fixture *fixture, const char *toml)
{
    char path[512];
    char program[] = "phpsrv";
    char option[] = "-c";
    char *argv[] = {program, option, path, NULL};
    struct psv_error error = {.message = ""};
    psv_config_loaded_fini(&fixture->loaded);
    temp_folder_write(&fixture->folder, "phpsrv.toml", toml);
    temp_folder_path(&fixture->folder, "phpsrv.toml", path);
    if (psv_config_load(3, argv, NULL, &fixture->loaded, &error) != 0 ||
        psv_config_check(&fixture->loaded, &error) != 0)
        fail_msg("%s", error.message);
}

static void open_routes(struct fixture *fixture, size_t number, const char *root)
{
    fixture->routes = psv_worker_routes_free(fixture->routes);
    temp_folder_path(&fixture->folder, root, fixture->root);
    assert_int_equal(
        psv_worker_routes_new(&fixture->loaded, number, psv_bytes_of(fixture->root), &fixture->routes, NULL),
        0);
}

/* "2 /name" of what was found, or "none". */
static const char *tell(const struct psv_worker_route *route)
{
    static char text[600];
    if (route == NULL)
        return "none";
    assert_int_equal(route->filename.data[route->filename.len], '\0');
    assert_int_equal(route->name.data[route->name.len], '\0');
    (void)snprintf(text, sizeof(text), "%u %s", route->number, route->name.data);
    return text;
}

static const char *find(struct fixture *fixture, const char *name)
{
    return tell(psv_worker_routes_find(fixture->routes, psv_bytes_of(name)));
}

static const char *match(struct fixture *fixture, const char *path)
{
    return tell(psv_worker_routes_match(fixture->routes, psv_bytes_of(path), NULL));
}

static int set_up(void **state)
{
    static struct fixture fixture;
    static const char *const files[] = {"public/index.php", "public/api.php", "blog/index.php",
                                        "blog/sub/api.php", "worker.php",     "public/tool.sh"};
    char path[512];
    temp_folder_make(&fixture.folder);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        temp_folder_write(&fixture.folder, files[i], "x");
    assert_int_equal(symlink("../worker.php", temp_folder_path(&fixture.folder, "public/linked.php", path)),
                     0);
    assert_int_equal(symlink("../worker.php", temp_folder_path(&fixture.folder, "blog/front.php", path)), 0);
    assert_int_equal(chdir(fixture.folder.path), 0);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    fixture->routes = psv_worker_routes_free(fixture->routes);
    psv_config_loaded_fini(&fixture->loaded);
    assert_int_equal(chdir("/"), 0);
    temp_folder_remove(&fixture->folder);
    return table_report_row(state);
}

#define SITES                                                                                                \
    "[site]\ndocroot = \"public\"\n[[sites]]\nname = \"b\"\nhosts = [\"b.example\"]\ndocroot = \"blog\"\n"   \
    "[[sites.prefixes]]\nprefix = \"/sub\"\ndocroot = \"blog/sub\"\n"

static void no_scripts_no_routes(void **state)
{
    struct fixture *fixture = *state;
    load(fixture, "[site]\ndocroot = \"public\"\n");
    open_routes(fixture, 0, "public");
    assert_null(fixture->routes);
    assert_string_equal(find(fixture, "/index.php"), "none");
    assert_string_equal(match(fixture, "/index.php"), "none");
}

static void by_name(void **state)
{
    struct fixture *fixture = *state;
    load(fixture, SITES "[[worker]]\nscript = \"index.php\"\n[[worker]]\nscript = \"blog/sub/api.php\"\n");
    open_routes(fixture, 0, "public");
    assert_string_equal(find(fixture, "/index.php"), "1 /index.php");
    assert_string_equal(find(fixture, "/api.php"), "none");
    assert_string_equal(find(fixture, "/Index.php"), "none");
    assert_string_equal(match(fixture, "/index.php"), "none");
    open_routes(fixture, 1, "blog");
    assert_string_equal(find(fixture, "/index.php"), "none"); /* another file */
    assert_string_equal(find(fixture, "/sub/api.php"), "2 /sub/api.php");
    open_routes(fixture, 2, "blog/sub");
    assert_string_equal(find(fixture, "/api.php"), "2 /api.php");
}

static void a_site_of_its_own_comes_first(void **state)
{
    struct fixture *fixture = *state;
    load(fixture,
         SITES "[[worker]]\nscript = \"blog/index.php\"\nmatch = [\"/m/*\", \"/n\"]\n"
               "[[worker]]\nscript = \"blog/index.php\"\nname = \"x\"\nsite = \"b\"\nmatch = [\"/m/*\"]\n"
               "[[worker]]\nscript = \"index.php\"\nsite = \"default\"\nmatch = [\"/m/*\"]\n");
    assert_int_equal(psv_worker_routes_check(&fixture->loaded, NULL), 0);
    open_routes(fixture, 1, "blog");
    assert_string_equal(find(fixture, "/index.php"), "2 /index.php");
    assert_string_equal(match(fixture, "/m/x"), "2 /index.php");
    assert_string_equal(match(fixture, "/n"), "1 /index.php");
    open_routes(fixture, 2, "blog/sub"); /* patterns are the whole site's */
    assert_string_equal(match(fixture, "/m/x"), "2 /index.php");
    open_routes(fixture, 0, "public"); /* the first is not below its root */
    assert_string_equal(match(fixture, "/m/x"), "3 /index.php");
    assert_string_equal(match(fixture, "/n"), "none");
}

static void links_in_the_root(void **state)
{
    struct fixture *fixture = *state;
    load(fixture, SITES "[[worker]]\nscript = \"linked.php\"\n");
    open_routes(fixture, 0, "public");
    assert_string_equal(find(fixture, "/linked.php"), "1 /linked.php");
    open_routes(fixture, 1, "blog");
    assert_null(fixture->routes);
}

static void the_index_may_be_a_link(void **state)
{
    struct fixture *fixture = *state;
    load(fixture, "[site]\ndocroot = \"blog\"\nindex = \"front.php\"\n[[worker]]\nscript = \"worker.php\"\n");
    assert_int_equal(psv_worker_routes_check(&fixture->loaded, NULL), 0);
    open_routes(fixture, 0, "blog");
    assert_string_equal(find(fixture, "/front.php"), "1 /front.php");
}

static void outside_of_the_root(void **state)
{
    struct fixture *fixture = *state;
    char expected[512];
    const char *pattern = NULL;
    load(fixture, "[site]\ndocroot = \"blog/sub\"\n[[prefixes]]\nprefix = \"/p\"\ndocroot = \"public\"\n"
                  "[[worker]]\nscript = \"worker.php\"\nmatch = [\"*\"]\n");
    assert_int_equal(psv_worker_routes_check(&fixture->loaded, NULL), 0);
    open_routes(fixture, 0, "blog/sub");
    assert_string_equal(match(fixture, "/any"), "1 /worker.php");
    const struct psv_worker_route *route =
        psv_worker_routes_match(fixture->routes, PSV_BYTES("/any"), &pattern);
    assert_string_equal(route->filename.data, temp_folder_path(&fixture->folder, "worker.php", expected));
    assert_string_equal(pattern, "*");
    open_routes(fixture, 1, "public"); /* a prefix of the same site */
    assert_string_equal(match(fixture, "/p/any"), "1 /worker.php");
}

static void patterns_in_their_order(void **state)
{
    struct fixture *fixture = *state;
    load(fixture,
         "[site]\ndocroot = \"public\"\n[[worker]]\nscript = \"index.php\"\nmatch = [\"/a/b\", \"/a/*\"]\n"
         "[[worker]]\nscript = \"api.php\"\nmatch = [\"/a/c\", \"*.php\", \"*\"]\n");
    open_routes(fixture, 0, "public");
    assert_string_equal(match(fixture, "/a/c"), "1 /index.php");
    assert_string_equal(match(fixture, "/a"), "2 /api.php");
    assert_string_equal(match(fixture, "/x.php"), "2 /api.php");
}

static void refusals(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *toml;
        const char *message;
    } cases[] = {
        {ROW("no pattern"),
         "[site]\ndocroot = \"public\"\n[[worker]]\nscript = \"index.php\"\nmatch = [\"api\"]\n",
         ":3: worker \"index.php\": match \"api\" is no pattern: it begins neither with a slash nor with *"},
        {ROW("twice"),
         "[site]\ndocroot = \"public\"\n[worker_mode]\nmatch = [\"/a\"]\n[[worker]]\nscript = \"index.php\"\n"
         "[[worker]]\nscript = \"api.php\"\n",
         ":7: worker \"api.php\": match \"/a\" is worker \"index.php\"'s already; each needs patterns of its "
         "own, "
         "under [[worker]]"},
        {ROW("out of reach"), "[site]\ndocroot = \"blog/sub\"\n[[worker]]\nscript = \"worker.php\"\n",
         ":3: worker \"worker.php\": no request would come to it, because it is no .php file in a document "
         "root; "
         "give it paths with match, such as \"/api/*\""},
        {ROW("another index"),
         "[site]\ndocroot = \"public\"\nindex = \"index.php\"\n[[worker]]\nscript = \"api.php\"\n",
         ":4: worker \"api.php\": no request would come to it, because \"index.php\" (site.index) answers "
         "all; "
         "make it the index, or give it paths with match"},
        {ROW("another index, with patterns"),
         "[site]\ndocroot = \"public\"\nindex = \"index.php\"\n[[worker]]\nscript = \"api.php\"\nmatch = "
         "[\"/x\"]\n",
         NULL},
        {ROW("no .php"), "[site]\ndocroot = \"public\"\n[[worker]]\nscript = \"tool.sh\"\n",
         ":3: worker \"tool.sh\": no request would come to it, because it is no .php file in a document "
         "root; "
         "give it paths with match, such as \"/api/*\""},
        {ROW("whose paths"),
         "[site]\ndocroot = \"blog/sub\"\n[[sites]]\nhosts = [\"b.example\"]\ndocroot = \"public\"\n"
         "[[worker]]\nscript = \"worker.php\"\nmatch = [\"/x\"]\n",
         ":6: worker \"worker.php\": the script lies in no site's document root; site = \"...\" says whose "
         "paths "
         "match is for"},
    };
    struct fixture *fixture = *state;
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_error error = {.message = ""};
        load(fixture, row->toml);
        int result = psv_worker_routes_check(&fixture->loaded, &error);
        assert_int_equal(result == 0, row->message == NULL);
        if (row->message != NULL)
            assert_string_equal(strstr(error.message, "phpsrv.toml") + 11, row->message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_scripts_no_routes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_site_of_its_own_comes_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_in_the_root, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_index_may_be_a_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(outside_of_the_root, set_up, tear_down),
        cmocka_unit_test_setup_teardown(patterns_in_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
