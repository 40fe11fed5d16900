/* Scripts of worker mode: --worker and [[worker]], what they inherit, where their files are, and what is
 * refused.
 *
 * SPDX-License-Identifier: MIT */
#include "config_fixture.h"

#include <sys/stat.h>

#include "config/options.h"
#include "json_check.h"

static char folder[256];

static void make_file(const char *name)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static int enter(void **state)
{
    (void)state;
    fixture_enter_folder();
    assert_non_null(getcwd(folder, sizeof(folder)));
    (void)mkdir("public", 0755);
    (void)mkdir("blog", 0755);
    (void)mkdir("blog/sub", 0755);
    make_file("worker.php");
    make_file("public/index.php");
    make_file("blog/index.php");
    make_file("blog/sub/api.php");
    assert_int_equal(symlink("index.php", "blog/link.php"), 0);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    static const char *const names[] = {"blog/link.php", "blog/sub/api.php", "blog/index.php",
                                        "public/index.php", "worker.php"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        (void)unlink(names[i]);
    }
    (void)rmdir("blog/sub");
    (void)rmdir("blog");
    (void)rmdir("public");
    fixture_leave();
    return 0;
}

static void assert_path(const char *path, const char *expected)
{
    size_t len = strlen(folder);
    assert_memory_equal(path, folder, len);
    assert_string_equal(path + len, expected);
}

#define SITES                                                                                                \
    "[site]\ndocroot = \"public\"\n[[sites]]\nname = \"b\"\nhosts = [\"Blog.example\"]\ndocroot = "          \
    "\"blog\"\n"                                                                                             \
    "[[sites.prefixes]]\nprefix = \"/api\"\ndocroot = \"blog/sub\"\n"

static void tables_inherit(void **state)
{
    (void)state;
    struct psv_config_loaded loaded;
    fixture_load_or_fail(
        &(struct sources){.toml = "[worker_mode]\ncount = 3\nenv = [\"A=1\"]\nmax_requests = 7\n"
                                  "[[worker]]\nscript = \"worker.php\"\nname = \"w\"\n"
                                  "env = [\"B=2\", \"C=3\"]\ntime_max_ms = \"1m\"\nreset = \"strict\"\n"
                                  "[[worker]]\nscript = \"public/index.php\"\nmax_requests = 0\n",
                          .environment = {"PHPSRV_WORKER_MEMORY_BYTES_MAX=1M"},
                          .arguments = {"--worker", "blog/index.php,5", "--worker-env=D=4"}},
        &loaded);
    assert_int_equal(loaded.workers_len, 3);
    const struct psv_config_worker *first = &loaded.workers[0];
    const struct psv_config_worker *second = &loaded.workers[1];
    const struct psv_config_worker *third = &loaded.workers[2];
    assert_path(first->script, "/blog/index.php");
    assert_string_equal(first->given, "blog/index.php");
    assert_string_equal(first->name, first->script);
    assert_int_equal(first->mode.count, 5);
    assert_int_equal(first->mode.max_requests, 7);
    assert_int_equal(first->mode.env.len, 2);
    assert_int_equal(first->mode.boot_failures_max, 6);
    assert_int_equal(first->mode.boot_timeout_ms, 30000);
    assert_int_equal(first->line, 0);
    assert_string_equal(second->name, "w");
    assert_int_equal(second->mode.count, 3);
    assert_int_equal(second->mode.env.len, 2);
    assert_string_equal(second->mode.env.items[0], "B=2");
    assert_int_equal(second->mode.time_max_ms, 60000);
    assert_int_equal(second->mode.reset, PSV_CONFIG_WORKER_RESET_STRICT);
    assert_int_equal(second->mode.memory_bytes_max, 1 << 20);
    assert_int_equal(second->line, 5);
    assert_int_equal(third->mode.max_requests, 0);
    assert_int_equal(third->mode.env.len, 2);
    assert_string_equal(third->mode.env.items[1], "D=4");
    assert_int_equal(third->mode.reset, PSV_CONFIG_WORKER_RESET_COMPAT);
    assert_int_equal(third->line, 11);
    assert_int_equal(psv_config_check(&loaded, NULL), 0);
    psv_config_loaded_fini(&loaded);
}

static void files_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *toml;
        const char *script;
        size_t site;
        size_t home;
    } cases[] = {
        {"[site]\ndocroot = \"public\"\n[[worker]]\nscript = \"index.php\"\n", "/public/index.php",
         PSV_CONFIG_ANY_SITE, 0},
        {"[site]\ndocroot = \"public\"\n[[worker]]\nscript = \"worker.php\"\n", "/worker.php",
         PSV_CONFIG_ANY_SITE, 0},
        {"[site]\ndocroot = \"blog\"\n[[worker]]\nscript = \"link.php\"\n", "/blog/index.php",
         PSV_CONFIG_ANY_SITE, 0},
        {SITES "[[worker]]\nscript = \"index.php\"\n", "/public/index.php", PSV_CONFIG_ANY_SITE, 0},
        {SITES "[[worker]]\nscript = \"blog/index.php\"\n", "/blog/index.php", PSV_CONFIG_ANY_SITE, 1},
        {SITES "[[worker]]\nscript = \"index.php\"\nsite = \"b\"\n", "/blog/index.php", 1, 1},
        {SITES "[[worker]]\nscript = \"index.php\"\nsite = \"blog.EXAMPLE\"\n", "/blog/index.php", 1, 1},
        {SITES "[[worker]]\nscript = \"index.php\"\nsite = \"default\"\n", "/public/index.php", 0, 0},
        {SITES "[[worker]]\nscript = \"worker.php\"\nsite = \"b\"\n", "/worker.php", 1, 1},
        {SITES "[[worker]]\nscript = \"sub/api.php\"\n", "/blog/sub/api.php", PSV_CONFIG_ANY_SITE, 2},
        {SITES "[[worker]]\nscript = \"api.php\"\nsite = \"b\"\n", "/blog/sub/api.php", 1, 2},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct psv_config_loaded loaded;
        print_message("%s\n", cases[i].toml);
        fixture_load_or_fail(&(struct sources){.toml = cases[i].toml}, &loaded);
        assert_path(loaded.workers[0].script, cases[i].script);
        assert_true(loaded.workers[0].site_number == cases[i].site);
        assert_int_equal(loaded.workers[0].home_number, cases[i].home);
        assert_int_equal(psv_config_check(&loaded, NULL), 0);
        psv_config_loaded_fini(&loaded);
    }
}

/* Reading needs no file: "phpsrv health" and "phpsrv run" have other working directories. */
static void absent_files_are_left_to_the_check(void **state)
{
    (void)state;
    struct psv_config_loaded loaded;
    fixture_load_or_fail(&(struct sources){.arguments = {"--worker=nope.php"}}, &loaded);
    assert_int_equal(psv_config_check(&loaded, NULL), PSV_ENOENT);
    psv_config_loaded_fini(&loaded);
}

#define LIST_OF_TABLES                                                                                       \
    "\"worker\" is a list of tables, each under a line [[worker]] for one script of worker mode; the "       \
    "threads "                                                                                               \
    "for all other scripts are [workers]"

static void refusals(void **state)
{
    (void)state;
    static const struct {
        struct sources sources;
        const char *message;
    } cases[] = {
        /* of the reading */
        {{.toml = "[worker]\ncount = 1\n"}, "phpsrv.toml:1:2: " LIST_OF_TABLES},
        {{.toml = "worker = \"index.php\"\n"}, "phpsrv.toml:1:1: " LIST_OF_TABLES},
        {{.toml = "worker = [1]\n"}, "phpsrv.toml:1:1: " LIST_OF_TABLES},
        {{.toml = "[[worker]]\nname = \"x\"\n"},
         "phpsrv.toml:1: this [[worker]] has no script, such as script = \"index.php\""},
        {{.toml = "[[worker]]\nzcript = \"x\"\n"},
         "phpsrv.toml:2:1: unknown key \"zcript\" in [[worker]]; did you mean \"script\"?"},
        {{.toml = "[[worker]]\nscript = \"x\"\nmax_request = 1\n"},
         "phpsrv.toml:3:1: unknown key \"max_request\" in [[worker]]; did you mean \"max_requests\"?"},
        {{.toml = "[[worker]]\nscript = \"x\"\nscripts = []\n"},
         "phpsrv.toml:3:1: unknown key \"scripts\" in [[worker]]; did you mean \"script\"?"},
        {{.toml = "[[worker]]\nscript = \"x\"\nzzzzzzz = 1\n"},
         "phpsrv.toml:3:1: unknown key \"zzzzzzz\" in [[worker]]; docs/worker-mode.md lists all keys"},
        {{.toml = "[[worker]]\nscript = \"x\"\n[worker.deep]\ny = 1\n"},
         "phpsrv.toml:3:9: unknown key \"deep\" in [[worker]]; docs/worker-mode.md lists all keys"},
        {{.toml = "[[worker]]\nscript = \"x\"\ncount = \"two\"\n"},
         "phpsrv.toml:3:9: worker.count: the text \"two\" is not a whole number from 0 to 4096"},
        {{.toml = "[[worker]]\nscript = 3\n"},
         "phpsrv.toml:2:10: worker.script: the number 3 is not a UTF-8 text of 1 to 4095 bytes without "
         "control "
         "characters"},
        {{.toml = "[[worker]]\nscript = \"x\"\nreset = \"all\"\n"},
         "phpsrv.toml:3:9: worker.reset: \"all\" is not one of: compat, strict"},
        {{.arguments = {"--worker=index.php,"}},
         "--worker \"index.php,\": behind the comma is no number of threads from 1 to 4096"},
        {{.arguments = {"--worker=index.php,0"}},
         "--worker \"index.php,0\": behind the comma is no number of threads from 1 to 4096"},
        {{.arguments = {"--worker=index.php,4097"}},
         "--worker \"index.php,4097\": behind the comma is no number of threads from 1 to 4096"},
        {{.arguments = {"--worker=,2"}}, "--worker \",2\": before the comma is no file"},
        /* of the check */
        {{.arguments = {"--worker=nope.php"}},
         "--worker \"nope.php\": there is no such file, neither in the working directory nor in the document "
         "root"},
        {{.arguments = {"--worker=/nope.php,2"}},
         "--worker \"/nope.php\": there is no such file, or its folder may not be entered"},
        {{.arguments = {"--worker=public"}}, "--worker \"public\": that is no file but a folder"},
        {{.arguments = {"--worker=worker.php", "--executor=stub"}},
         "--worker is for PHP: the executor \"stub\" runs no scripts, \"ext\" does"},
        {{.arguments = {"--worker=worker.php", "--worker-env=1A=b"}},
         "--worker \"worker.php\": item 1 of env is no variable such as \"APP_ENV=prod\": a name of letters, "
         "digits and _, then = and the value"},
        {{.toml = "[[worker]]\nscript = \"worker.php\"\nenv = [\"A=b\", \"secret\"]\n"},
         "phpsrv.toml:1: worker \"worker.php\": item 2 of env is no variable such as \"APP_ENV=prod\": a "
         "name of "
         "letters, digits and _, then = and the value"},
        {{.toml = "[[worker]]\nscript = \"worker.php\"\n", .arguments = {"--worker=./worker.php"}},
         "phpsrv.toml:1: worker \"worker.php\": this script is there twice"},
        {{.toml = SITES "[[worker]]\nscript = \"index.php\"\nsite = \"b\"\nname = \"x\"\n"
                        "[[worker]]\nscript = \"blog/index.php\"\nsite = \"blog.example\"\nname = \"y\"\n"},
         "phpsrv.toml:14: worker \"blog/index.php\": this script is there twice for the same site"},
        {{.toml = SITES "[[worker]]\nscript = \"blog/index.php\"\n"
                        "[[worker]]\nscript = \"blog/index.php\"\nsite = \"b\"\n"},
         NULL /* the second, below */},
        {{.toml = SITES "[[worker]]\nscript = \"worker.php\"\nname = \"x\"\n"
                        "[[worker]]\nscript = \"blog/index.php\"\nname = \"x\"\n"},
         "phpsrv.toml:13: worker \"blog/index.php\": another script of worker mode is called \"x\" too; give "
         "one "
         "of them a name = \"...\" of its own"},
        {{.toml = SITES "[[worker]]\nscript = \"worker.php\"\nsite = \"blog.examplx\"\n"},
         "phpsrv.toml:10: worker \"worker.php\": no site has the name or host \"blog.examplx\"; did you mean "
         "\"Blog.example\"?"},
        {{.toml = SITES "[[worker]]\nscript = \"worker.php\"\nsite = \"shop\"\n"},
         "phpsrv.toml:10: worker \"worker.php\": no site has the name or host \"shop\""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct psv_config_loaded loaded;
        struct psv_error error = {.message = ""};
        int result = fixture_load(&cases[i].sources, &loaded, &error);
        if (result == 0) {
            result = psv_config_check(&loaded, &error);
            psv_config_loaded_fini(&loaded);
        }
        print_message("case %zu: %s\n", i, error.message);
        assert_int_not_equal(result, 0);
        if (cases[i].message != NULL) {
            assert_string_equal(error.message, cases[i].message);
        } else {
            assert_non_null(strstr(error.message, "is called \""));
        }
    }
}

static void append_worker(char *toml, size_t size)
{
    size_t len = strlen(toml);
    (void)snprintf(toml + len, size - len, "[[worker]]\nscript = \"worker.php\"\n");
}

static void more_than_the_most(void **state)
{
    (void)state;
    static char toml[PSV_CONFIG_WORKERS_MAX * 40 + 80];
    struct psv_config_loaded loaded;
    struct psv_error error = {.message = ""};
    for (int i = 0; i < PSV_CONFIG_WORKERS_MAX; i++) {
        append_worker(toml, sizeof(toml));
    }
    fixture_load_or_fail(&(struct sources){.toml = toml}, &loaded);
    assert_int_equal(loaded.workers_len, PSV_CONFIG_WORKERS_MAX);
    psv_config_loaded_fini(&loaded);
    assert_int_equal(
        fixture_load(&(struct sources){.toml = toml, .arguments = {"--worker=worker.php"}}, &loaded, &error),
        PSV_ELIMIT);
    assert_string_equal(error.message, "more than 64 scripts of worker mode");
    append_worker(toml, sizeof(toml));
    assert_int_equal(fixture_load(&(struct sources){.toml = toml}, &loaded, &error), PSV_ELIMIT);
    assert_string_equal(error.message, "phpsrv.toml:1: more than 64 scripts of worker mode");
}

static void append_zero(struct psv_buffer *text)
{
    assert_int_equal(psv_buffer_append_byte(text, '\0'), 0);
    text->len--;
}

static void a_dump_is_read_back(void **state)
{
    (void)state;
    struct psv_config_loaded before;
    struct psv_config_loaded after;
    struct psv_buffer dump;
    struct psv_buffer again;
    psv_buffer_init(&dump, 1 << 20);
    psv_buffer_init(&again, 1 << 20);
    fixture_load_or_fail(
        &(struct sources){.toml = SITES
                          "[[worker]]\nscript = \"index.php\"\nname = \"a \\\"b\\\"\"\nsite = \"b\"\n"
                          "count = 0\nmatch = [\"/x/*\", \"*.php\"]\nwatch = [\"src/**\"]\n"
                          "boot_failures_max = 9\nboot_timeout_ms = 1500\n"
                          "env = [\"A=b\", \"APP_KEY=hunter2\", \"DB_PASSWORD=hunter2\"]\n",
                          .arguments = {"--worker=worker.php,3"}},
        &before);
    assert_int_equal(psv_config_dump(&before, &dump), 0);
    append_zero(&dump);
    assert_non_null(strstr(dump.data, "\nscripts = [\"worker.php,3\"]  # --worker\n"));
    assert_non_null(
        strstr(dump.data, "\n[[worker]]\nscript = \"index.php\"\nname = \"a \\\"b\\\"\"\nsite = \"b\"\n"));
    assert_non_null(strstr(dump.data, "env = [\"A=b\", \"APP_KEY=(hidden)\", \"DB_PASSWORD=(hidden)\"]"));
    assert_null(strstr(dump.data, "hunter2"));
    fixture_write_file(dump.data, dump.len);
    fixture_load_or_fail(&(struct sources){.arguments = {"-c", "phpsrv.toml"}}, &after);
    assert_int_equal(after.workers_len, 2);
    assert_int_equal(psv_config_format_json(&before, &again), 0);
    assert_true(json_is_valid(again.data, again.len));
    append_zero(&again);
    assert_null(strstr(again.data, "hunter2"));
    assert_non_null(strstr(again.data, "\"workers\":[{\"name\":\"/"));
    assert_non_null(strstr(again.data, "\"worker_mode.boot_timeout_ms\":{\"value\":1500,"));
    for (size_t i = 0; i < after.workers_len; i++) {
        const struct psv_config_worker *a = &before.workers[i];
        const struct psv_config_worker *b = &after.workers[i];
        assert_string_equal(a->name, b->name);
        assert_string_equal(a->script, b->script);
        assert_string_equal(a->site, b->site);
        assert_int_equal(a->set, b->set);
        assert_int_equal(a->mode.count, b->mode.count);
        assert_int_equal(a->mode.match.len, b->mode.match.len);
        assert_int_equal(a->mode.watch.len, b->mode.watch.len);
        assert_int_equal(a->mode.boot_failures_max, b->mode.boot_failures_max);
        assert_int_equal(a->mode.boot_timeout_ms, b->mode.boot_timeout_ms);
    }
    psv_buffer_fini(&dump);
    psv_buffer_fini(&again);
    psv_config_loaded_fini(&before);
    psv_config_loaded_fini(&after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_inherit),
        cmocka_unit_test(files_are_found),
        cmocka_unit_test(absent_files_are_left_to_the_check),
        cmocka_unit_test(refusals),
        cmocka_unit_test(more_than_the_most),
        cmocka_unit_test(a_dump_is_read_back),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
