/* Sources of the configuration: which one wins, what is refused and in which words.
 *
 * SPDX-License-Identifier: MIT */
#include "config_fixture.h"

#include "base/memory.h"
#include "config/options.h"

static void defaults(void **state)
{
    (void)state;
    struct psv_config_loaded loaded;
    fixture_load_or_fail(&(struct sources){.toml = NULL}, &loaded);
    const struct psv_config *config = &loaded.config;
    assert_int_equal(loaded.action, PSV_CONFIG_ACTION_RUN);
    assert_string_equal(loaded.file, "");
    assert_string_equal(config->listen.address, "0.0.0.0:8080");
    assert_string_equal(config->site.docroot, ".");
    assert_string_equal(config->internal.listen, "");
    assert_string_equal(config->executor.name, "ext");
    assert_string_equal(config->php.sapi_name, "phpsrv");
    assert_int_equal(config->php.ini_values.len, 0);
    assert_int_equal(config->workers.count, 0);
    assert_int_equal(config->workers.stack_bytes, 8 << 20);
    assert_int_equal(config->http.header_timeout_ms, 5000);
    assert_int_equal(config->http.body_bytes_max, 64 << 20);
    assert_int_equal(config->request.timeout_ms, 120000);
    assert_int_equal(config->log.level, PSV_CONFIG_LOG_LEVEL_INFO);
    assert_int_equal(config->log.access, PSV_CONFIG_ACCESS_OFF);
    assert_true(config->static_files.enabled);
    assert_false(config->static_files.follow_symlinks);
    for (size_t i = 0; i < psv_options_len; i++) {
        assert_int_equal(loaded.origins[i].kind, PSV_CONFIG_ORIGIN_DEFAULT);
    }
    psv_config_loaded_fini(&loaded);
}

/* --dev brings other defaults, and nothing that somebody has set gives way to them. */
static void development(void **state)
{
    (void)state;
    struct psv_config_loaded loaded;
    const struct psv_option *level = psv_option_find_path(PSV_BYTES("log.level"));
    const struct psv_option *address = psv_option_find_path(PSV_BYTES("listen.address"));
    fixture_load_or_fail(&(struct sources){.toml = "[dev]\nenabled = true\n[log]\nlevel = \"warn\"\n"
                                                   "[[sites]]\nname = \"a\"\nhosts = [\"a.example\"]\n"},
                         &loaded);
    assert_string_equal(loaded.config.listen.address, "127.0.0.1:8080");
    assert_int_equal(loaded.origins[psv_option_index(address)].kind, PSV_CONFIG_ORIGIN_DEV);
    assert_int_equal(loaded.config.log.access, PSV_CONFIG_ACCESS_SHORT);
    assert_int_equal(loaded.config.log.level, PSV_CONFIG_LOG_LEVEL_WARN);
    assert_int_equal(loaded.origins[psv_option_index(level)].kind, PSV_CONFIG_ORIGIN_FILE);
    assert_int_equal(loaded.scopes_len, 1);
    assert_int_equal(loaded.scopes[0].config.static_files.ttl_ms, 0); /* sites have them as well */
    assert_true(loaded.scopes[0].config.dev.enabled);
    psv_config_loaded_fini(&loaded);
}

static void precedence(void **state)
{
    (void)state;
    static const char toml[] = "[workers]\ncount = 2\n";
    static const struct {
        const char *name;
        struct sources sources;
        uint64_t count;
        struct psv_config_origin origin;
    } cases[] = {
        {"file", {.toml = toml}, 2, {PSV_CONFIG_ORIGIN_FILE, 2}},
        {"file with other line ends", {.toml = "[workers]\r\ncount = 2\r\n"}, 2, {PSV_CONFIG_ORIGIN_FILE, 2}},
        {"environment before file",
         {.toml = toml, .environment = {"PHPSRV_WORKERS=3"}},
         3,
         {PSV_CONFIG_ORIGIN_ENVIRONMENT, 0}},
        {"command line before file",
         {.toml = toml, .arguments = {"-w4"}},
         4,
         {PSV_CONFIG_ORIGIN_COMMAND_LINE, 0}},
        {"command line before all",
         {.toml = toml, .environment = {"PHPSRV_WORKERS=3"}, .arguments = {"--workers=4"}},
         4,
         {PSV_CONFIG_ORIGIN_COMMAND_LINE, 0}},
        {"the last of the command line",
         {.arguments = {"--workers", "4", "-w", "5"}},
         5,
         {PSV_CONFIG_ORIGIN_COMMAND_LINE, 0}},
        {"an empty variable is not set",
         {.toml = toml, .environment = {"PHPSRV_WORKERS="}},
         2,
         {PSV_CONFIG_ORIGIN_FILE, 2}},
        {"other variables are not ours",
         {.environment = {"PHP_WORKERS=x", "PHPSRV=1", "PHPSRV_PHP_CONFIG=/usr/bin/php-config",
                          "PHPSRV_CACHE_DIR=/c", "PHPSRV_PHP_PREFIX=/p", "PHPSRV_PHP_SRC=/s",
                          "PHPSRV_PHP_OPTIMIZE=pgo", "PHPSRV_BINARY=/b", "PHPSRV_LLHTTP_ROOT=/l"}},
         0,
         {PSV_CONFIG_ORIGIN_DEFAULT, 0}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        print_message("%s\n", cases[i].name);
        struct psv_config_loaded loaded;
        fixture_load_or_fail(&cases[i].sources, &loaded);
        const struct psv_option *option = psv_option_find_path(PSV_BYTES("workers.count"));
        assert_int_equal(loaded.config.workers.count, cases[i].count);
        assert_int_equal(loaded.origins[psv_option_index(option)].kind, cases[i].origin.kind);
        assert_int_equal(loaded.origins[psv_option_index(option)].line, cases[i].origin.line);
        psv_config_loaded_fini(&loaded);
    }
}

static void the_file_can_be_named_by_the_environment(void **state)
{
    (void)state;
    struct psv_config_loaded loaded;
    fixture_write_file("[workers]\ncount = 7\n", 20);
    fixture_load_or_fail(&(struct sources){.environment = {"PHPSRV_CONFIG=phpsrv.toml"}}, &loaded);
    assert_int_equal(loaded.config.workers.count, 7);
    assert_string_equal(loaded.file, "phpsrv.toml");
    psv_config_loaded_fini(&loaded);
    /* The command line's file wins, and only one file is read. */
    fixture_load_or_fail(
        &(struct sources){.toml = "[queue]\ncapacity = 9\n", .environment = {"PHPSRV_CONFIG=/nonexistent"}},
        &loaded);
    assert_int_equal(loaded.config.queue.capacity, 9);
    psv_config_loaded_fini(&loaded);
}

static void a_variable_is_found_by_its_whole_name(void **state)
{
    (void)state;
    char longer[] = "NAMES=1", alone[] = "NAME", right[] = "NAME=a=b", empty[] = "NOTHING=";
    char *environ[] = {longer, alone, right, empty, NULL};
    assert_string_equal(psv_config_find_variable(environ, "NAME"), "a=b");
    assert_string_equal(psv_config_find_variable(environ, "NOTHING"), "");
    assert_null(psv_config_find_variable(environ, "NA"));
    assert_null(psv_config_find_variable(NULL, "NAME"));
}

static void lists_are_joined(void **state)
{
    (void)state;
    struct psv_config_loaded loaded;
    fixture_load_or_fail(&(struct sources){.toml = "[php]\nini_values = [\"a=1\", \"b=2\"]\n",
                                           .environment = {"PHPSRV_PHP_INI_VALUE=c=3\n\n  d=N;MODE;/path\n"},
                                           .arguments = {"-d", "e=5", "-df=6", "--php-ini-value=g=7"}},
                         &loaded);
    static const char *const expected[] = {"a=1", "b=2", "c=3", "d=N;MODE;/path", "e=5", "f=6", "g=7"};
    const struct psv_config_list *list = &loaded.config.php.ini_values;
    assert_int_equal(list->len, ARRAY_SIZE(expected));
    for (size_t i = 0; i < list->len; i++) {
        assert_string_equal(list->items[i], expected[i]);
    }
    psv_config_loaded_fini(&loaded);
}

static void forms_of_values(void **state)
{
    (void)state;
    struct psv_config_loaded loaded;
    fixture_load_or_fail(
        &(struct sources){
            .toml = "[http]\nheader_timeout_ms = 1500\nwrite_timeout_ms = \"2m\"\nheader_bytes_max = 2048\n"
                    "body_bytes_max = \"16M\"\n[static]\nenabled = false\n[log]\nlevel = \"warn\"\n",
            .environment = {"PHPSRV_HTTP_KEEPALIVE_TIMEOUT_MS=2500", "PHPSRV_SERVER_TOKENS=off"},
            .arguments = {"--http-linger-timeout-ms", "1.5s", "--static-follow-symlinks", "--log-format=json",
                          "--docroot", "/tmp/a b", "--server-name="}},
        &loaded);
    const struct psv_config *config = &loaded.config;
    assert_int_equal(config->http.header_timeout_ms, 1500);
    assert_int_equal(config->http.write_timeout_ms, 120000);
    assert_int_equal(config->http.header_bytes_max, 2048);
    assert_int_equal(config->http.body_bytes_max, 16 << 20);
    assert_int_equal(config->http.keepalive_timeout_ms, 2500);
    assert_int_equal(config->http.linger_timeout_ms, 1500);
    assert_false(config->static_files.enabled);
    assert_true(config->static_files.follow_symlinks);
    assert_false(config->server.tokens);
    assert_int_equal(config->log.level, PSV_CONFIG_LOG_LEVEL_WARN);
    assert_int_equal(config->log.format, PSV_CONFIG_LOG_FORMAT_JSON);
    assert_string_equal(config->site.docroot, "/tmp/a b");
    assert_string_equal(config->site.server_name, "");
    psv_config_loaded_fini(&loaded);

    fixture_load_or_fail(&(struct sources){.arguments = {"--no-static-enabled", "--server-tokens=false"}},
                         &loaded);
    assert_false(loaded.config.static_files.enabled);
    assert_false(loaded.config.server.tokens);
    psv_config_loaded_fini(&loaded);
}

static void actions(void **state)
{
    (void)state;
    static const struct {
        struct sources sources;
        enum psv_config_action action;
    } cases[] = {
        {{.arguments = {"--help"}}, PSV_CONFIG_ACTION_HELP},
        {{.arguments = {"-h"}}, PSV_CONFIG_ACTION_HELP},
        {{.arguments = {"-V", "--nonsense"}}, PSV_CONFIG_ACTION_VERSION},
        /* Help is there even when the rest is broken. */
        {{.arguments = {"--workers=1", "--help", "--nonsense"}, .environment = {"PHPSRV_NONSENSE=1"}},
         PSV_CONFIG_ACTION_HELP},
        {{.arguments = {"--check-config", "-w2"}}, PSV_CONFIG_ACTION_CHECK},
        {{.arguments = {"-w2", "--dump-config"}}, PSV_CONFIG_ACTION_DUMP},
        {{.arguments = {"--print-example-config"}}, PSV_CONFIG_ACTION_PRINT_EXAMPLE},
        {{.arguments = {"--print-options-reference"}}, PSV_CONFIG_ACTION_PRINT_REFERENCE},
        {{.arguments = {"--print-man-page"}}, PSV_CONFIG_ACTION_PRINT_MANUAL},
        {{.arguments = {"--print-completion", "zsh"}}, PSV_CONFIG_ACTION_PRINT_COMPLETION},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct psv_config_loaded loaded;
        fixture_load_or_fail(&cases[i].sources, &loaded);
        assert_int_equal(loaded.action, cases[i].action);
        psv_config_loaded_fini(&loaded);
    }
}

struct refusal {
    struct sources sources;
    const char *message;
};

static const struct refusal refusals[] = {
    /* command line */
    {{.arguments = {"--wrkers", "3"}}, "unknown option \"--wrkers\"; did you mean \"--workers\"?"},
    {{.arguments = {"--dump-confg"}}, "unknown option \"--dump-confg\"; did you mean \"--dump-config\"?"},
    {{.arguments = {"--xyz"}}, "unknown option \"--xyz\"; see \"phpsrv --help\""},
    {{.arguments = {"-x"}}, "unknown option \"-x\"; see \"phpsrv --help\""},
    {{.arguments = {"--no-workers"}}, "unknown option \"--no-workers\"; see \"phpsrv --help\""},
    {{.arguments = {"--no-server-tokens=1"}}, "--no-server-tokens takes no value"},
    {{.arguments = {"--help=1"}}, "--help takes no value"},
    {{.arguments = {"--workers"}}, "--workers needs a value: --workers N"},
    {{.arguments = {"-w"}}, "-w needs a value: -w N"},
    {{.arguments = {"--config"}}, "--config needs a value: --config FILE"},
    {{.arguments = {"--print-completion=csh"}}, "--print-completion: \"csh\" is none of bash|zsh|fish"},
    {{.arguments = {"--config="}}, "--config: \"\" is not the path of a file"},
    {{.arguments = {"public"}}, "unexpected argument \"public\"; options begin with \"--\""},
    {{.arguments = {"--"}}, "unexpected argument \"--\"; options begin with \"--\""},
    {{.arguments = {"-"}}, "unexpected argument \"-\"; options begin with \"--\""},
    {{.arguments = {""}}, "unexpected argument \"\"; options begin with \"--\""},
    {{.arguments = {"--workers=abc"}}, "--workers: \"abc\" is not a whole number from 0 to 4096"},
    {{.arguments = {"--workers=4097"}}, "--workers: \"4097\" is not a whole number from 0 to 4096"},
    {{.arguments = {"--workers=-1"}}, "--workers: \"-1\" is not a whole number from 0 to 4096"},
    {{.arguments = {"--workers=99999999999999999999"}},
     "--workers: \"99999999999999999999\" is not a whole number from 0 to 4096"},
    {{.arguments = {"-w", ""}}, "-w: \"\" is not a whole number from 0 to 4096"},
    {{.arguments = {"--http-header-bytes-max=12Q"}},
     "--http-header-bytes-max: \"12Q\" is not a size from 1K to 1M (such as 64K or 16M)"},
    {{.arguments = {"--http-header-timeout-ms=0"}},
     "--http-header-timeout-ms: \"0\" is not a duration from 1ms to 1h (such as 500ms, 30s or 5m)"},
    {{.arguments = {"--server-tokens=maybe"}}, "--server-tokens: \"maybe\" is not one of: true, false"},
    {{.arguments = {"--log-level=warm"}},
     "--log-level: \"warm\" is not one of: debug, info, warn, error; did you mean \"warn\"?"},
    {{.arguments = {"--executor=php"}}, "--executor: \"php\" is not one of: ext, eval, stub"},
    {{.arguments = {"-l", "8080"}},
     "-l: \"8080\" is not an address (such as 127.0.0.1:8080, [::1]:8080 or :8080)"},
    {{.arguments = {"--docroot="}},
     "--docroot: \"\" is not a UTF-8 text of 1 to 4095 bytes without control characters"},
    {{.arguments = {"--docroot=a\x1b[31m"}},
     "--docroot: \"a\\x1b[31m\" is not a UTF-8 text of 1 to 4095 bytes without control characters"},
    {{.arguments = {"--sapi-name=\xff\xfe"}},
     "--sapi-name: \"\xff\xfe\" is not a UTF-8 text of 1 to 32 bytes without control characters"},

    /* environment */
    {{.environment = {"PHPSRV_WORKERS=abc"}}, "PHPSRV_WORKERS: \"abc\" is not a whole number from 0 to 4096"},
    {{.environment = {"PHPSRV_WRKERS=1"}},
     "unknown environment variable \"PHPSRV_WRKERS\"; did you mean \"PHPSRV_WORKERS\"?"},
    {{.environment = {"PHPSRV_CONFIGS=1"}},
     "unknown environment variable \"PHPSRV_CONFIGS\"; did you mean \"PHPSRV_CONFIG\"?"},
    {{.environment = {"PHPSRV_ENTIRELY_UNKNOWN=1"}},
     "unknown environment variable \"PHPSRV_ENTIRELY_UNKNOWN\"; see \"phpsrv --help\""},
    {{.environment = {"PHPSRV_CONFIG=/nonexistent.toml"}},
     "PHPSRV_CONFIG: cannot read the file \"/nonexistent.toml\": not found"},

    /* file */
    {{.arguments = {"--config", "/nonexistent.toml"}},
     "--config: cannot read the file \"/nonexistent.toml\": not found"},
    {{.toml = "[wrkers]\ncount = 3\n"},
     "phpsrv.toml:2:1: unknown key \"wrkers.count\"; did you mean \"workers.count\"?"},
    {{.toml = "[site]\n\n  docrot = \".\"\n"},
     "phpsrv.toml:3:3: unknown key \"site.docrot\"; did you mean \"site.docroot\"?"},
    {{.toml = "[server]\ndocroot = \".\"\n"},
     "phpsrv.toml:2:1: unknown key \"server.docroot\"; did you mean \"site.docroot\"?"},
    {{.toml = "docroot = \".\"\n"},
     "phpsrv.toml:1:1: unknown key \"docroot\"; did you mean \"site.docroot\"?"},
    {{.toml = "[foo]\nbar = 1\n"},
     "phpsrv.toml:2:1: unknown key \"foo.bar\"; \"phpsrv --dump-config\" lists all keys"},
    {{.toml = "\"workers.count\" = 1\n"},
     "phpsrv.toml:1:1: unknown key \"'workers.count'\"; did you mean \"workers.count\"?"},
    /* The first mistake of the file, not of the alphabet. */
    {{.toml = "[log]\nzzz = 1\n[http]\naaa = 1\n"},
     "phpsrv.toml:2:1: unknown key \"log.zzz\"; \"phpsrv --dump-config\" lists all keys"},
    {{.toml = "[wrkers]\n"}, "phpsrv.toml:1:2: unknown section \"wrkers\"; did you mean \"workers\"?"},
    {{.toml = "[nonsense]\n"}, "phpsrv.toml:1:2: unknown section \"nonsense\""},
    {{.toml = "workers = 3\n"},
     "phpsrv.toml:1:1: \"workers\" is a section and cannot be a whole number; did you mean "
     "\"workers.count\"?"},
    {{.toml = "[[workers]]\ncount = 1\n"},
     "phpsrv.toml:1:3: \"workers\" is a section and cannot be a list; did you mean \"workers.count\"?"},
    {{.toml = "[workers.count]\nx = 1\n"},
     "phpsrv.toml:1:1: workers.count: a table is not a whole number from 0 to 4096"},
    {{.toml = "[workers]\ncount = \"8\"\n"},
     "phpsrv.toml:2:9: workers.count: the text \"8\" is not a whole number from 0 to 4096"},
    {{.toml = "[workers]\ncount = 8.5\n"},
     "phpsrv.toml:2:9: workers.count: a number with a fraction is not a whole number from 0 to 4096"},
    {{.toml = "[workers]\ncount = -1\n"},
     "phpsrv.toml:2:9: workers.count: -1 is not a whole number from 0 to 4096"},
    {{.toml = "[workers]\ncount = 2026-01-31\n"},
     "phpsrv.toml:2:9: workers.count: a date or time is not a whole number from 0 to 4096"},
    {{.toml = "[workers]\ncount = true\n"},
     "phpsrv.toml:2:9: workers.count: true is not a whole number from 0 to 4096"},
    {{.toml = "[workers]\ncount = [1]\n"},
     "phpsrv.toml:2:9: workers.count: a list is not a whole number from 0 to 4096"},
    {{.toml = "[static]\nenabled = 1\n"},
     "phpsrv.toml:2:11: static.enabled: the number 1 is not one of: true, false"},
    {{.toml = "[static]\nenabled = \"true\"\n"},
     "phpsrv.toml:2:11: static.enabled: the text \"true\" is not one of: true, false"},
    {{.toml = "[log]\nlevel = \"inf\"\n"},
     "phpsrv.toml:2:9: log.level: \"inf\" is not one of: debug, info, warn, error; did you mean \"info\"?"},
    {{.toml = "[http]\nbody_bytes_max = -5\n"},
     "phpsrv.toml:2:18: http.body_bytes_max: -5 is not a size from 0 to 1T (such as 64K or 16M)"},
    {{.toml = "[site]\nserver_name = \"a\\u0000b\"\n"},
     "phpsrv.toml:2:15: site.server_name: \"a\\x00b\" is not a UTF-8 text of 0 to 253 bytes without control "
     "characters"},
    {{.toml = "[php]\nini_values = \"a=1\"\n"},
     "phpsrv.toml:2:14: php.ini_values: a text is not a list of which each item is a UTF-8 text of 1 to 4096 "
     "bytes without "
     "control characters"},
    {{.toml = "[php]\nini_values = [\"a=1\", 3]\n"},
     "phpsrv.toml:2:14: php.ini_values: item 2 of the list is a whole number and not a text"},
    {{.toml = "a.b.c.d.e.f.g.h.i.j = 1\n"}, "phpsrv.toml: keys are nested more than 8 levels deep"},
};

static void refusals_say_what_and_where(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        struct psv_config_loaded loaded = {.file = "untouched"};
        struct psv_error error = {.message = ""};
        int result = fixture_load(&refusals[i].sources, &loaded, &error);
        if (result == 0) {
            fail_msg("accepted, should be refused with: %s", refusals[i].message);
        }
        assert_string_equal(error.message, refusals[i].message);
        assert_int_equal(error.code, result);
        assert_string_equal(loaded.file, "untouched");
    }
}

/* Beyond ASCII in every kind of text and comment, with quotes of all kinds around. */
static void texts_may_hold_any_character(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "\xef\xbb\xbf# \xc3\xbb \" ' \n[site]\nserver_name = \"\xc3\xbb\" # \xc3\xbb\n",
        "[site]\nserver_name = \"\"\"\\\n\xc3\xbb\"\"\" # \"\xc3\xbb\n",
        "[site]\nserver_name = '\xc3\xbb' # \"\xc3\xbb\n",
        "[site]\nserver_name = \"\"\"\xc3\xbb\"\"\" # '\xc3\xbb\n",
        "[site]\nserver_name = '''\xc3\xbb''' # '\xc3\xbb\n",
        "[site]\nserver_name = \"\"\"\n\xc3\xbb\\\n   \"\"\" # \"\xc3\xbb\n",
        ("[php]\nini_values = [\"a=\\\"\xc3\xbb\\\\\", \"\"\"b=\xc3\xbb\"\"\"\"\" ] # \xc3\xbb\n"
         "[site]\nserver_name = \"\xc3\xbb\""),
    };
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        struct psv_config_loaded loaded;
        print_message("%s\n", forms[i]);
        fixture_load_or_fail(&(struct sources){.toml = forms[i]}, &loaded);
        assert_string_equal(loaded.config.site.server_name, "\xc3\xbb");
        psv_config_loaded_fini(&loaded);
    }
}

/* These sentences are toml++'s own behind our place. */
static void malformed_files(void **state)
{
    (void)state;
    static const struct {
        const char *toml;
        const char *begin;
    } cases[] = {
        {"[workers\n", "phpsrv.toml:1:9: malformed TOML: "},
        {"[workers]\ncount = 1\ncount = 2\n", "phpsrv.toml:3:"},
        {"[workers]\n[queue]\n[workers]\n", "phpsrv.toml:3:1: malformed TOML: "},
        {"[workers]\ncount = \n", "phpsrv.toml:2:"},
        {"x = \"\xff\"\n", "phpsrv.toml:1:"},
        {"\n[\x1c\n", "phpsrv.toml:2:2: malformed TOML: control character \\x1c"},
        {"[\n", "phpsrv.toml:1:2: malformed TOML: "},
        {"[\ncount = 3\n", "phpsrv.toml:1:2: malformed TOML: "},
        {"a.\n", "phpsrv.toml:1:3: malformed TOML: "},
        {"a = [\n", "phpsrv.toml:1:7: malformed TOML: "},
        {"\xc3\xbc = 1\n", "phpsrv.toml:1:"},
        {"a = \"\xc3\xbc\" \xc3\xbb\n", "phpsrv.toml:1:"},
        {"3 =n\n", "phpsrv.toml:1:"},
        {"a = 1'\xc3\xbb'\n", "phpsrv.toml:1:"},
        {"# \x7f\n", "phpsrv.toml:1:3: malformed TOML: control character \\x7f"},
        {"a\rb\n", "phpsrv.toml:1:2: malformed TOML: control character \\x0d"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct psv_config_loaded loaded;
        struct psv_error error = {.message = ""};
        assert_int_equal(fixture_load(&(struct sources){.toml = cases[i].toml}, &loaded, &error),
                         PSV_ESYNTAX);
        print_message("%s\n", error.message);
        assert_true(psv_bytes_starts_with(psv_bytes_of(error.message), psv_bytes_of(cases[i].begin)));
        assert_null(strchr(error.message, '\n'));
    }
}

static void oversized_files(void **state)
{
    (void)state;
    static char text[300000];
    struct psv_config_loaded loaded;
    struct psv_error error;
    memset(text, '#', sizeof(text));
    struct sources sources = {.arguments = {"-c", "phpsrv.toml"}};
    fixture_write_file(text, sizeof(text));
    assert_int_equal(fixture_load(&sources, &loaded, &error), PSV_ELIMIT);
    assert_string_equal(error.message, "--config: the file \"phpsrv.toml\" is larger than 262144 bytes");
    fixture_write_file(text, 9000);
    assert_int_equal(fixture_load(&sources, &loaded, &error), PSV_ELIMIT);
    assert_string_equal(error.message, "phpsrv.toml:1: the line is longer than 8192 bytes");
}

static void too_many_list_items(void **state)
{
    (void)state;
    static char text[4096] = "[php]\nini_values = [";
    struct psv_config_loaded loaded;
    struct psv_error error;
    for (int i = 0; i < 257; i++) {
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof(text) - len, "\"a=1\",%s", i % 64 == 0 ? "\n" : "");
    }
    size_t len = strlen(text);
    (void)snprintf(text + len, sizeof(text) - len, "]\n");
    assert_int_equal(fixture_load(&(struct sources){.toml = text}, &loaded, &error), PSV_EINVAL);
    assert_string_equal(error.message, "phpsrv.toml:2:14: php.ini_values: more than 256 values");
}

/* Each allocation in turn fails: the load reports it, leaks nothing and leaves *ret alone. */
static void out_of_memory(void **state)
{
    (void)state;
    struct sources sources = {.toml = "[php]\nini_values = [\"a=1\"]\n",
                              .arguments = {"-db=2", "--docroot", "/tmp"}};
    int result = PSV_ENOMEM;
    unsigned failures = 0;
    for (uint64_t countdown = 1; result != 0; countdown++) {
        struct psv_config_loaded loaded = {.file = "untouched"};
        struct psv_error error = {.message = ""};
        psv_memory_fail_after(countdown);
        result = fixture_load(&sources, &loaded, &error);
        psv_memory_fail_after(0);
        if (result != 0) {
            failures++;
            assert_int_equal(result, PSV_ENOMEM);
            assert_string_not_equal(error.message, "");
            assert_string_equal(loaded.file, "untouched");
        } else {
            psv_config_loaded_fini(&loaded);
        }
    }
    assert_true(failures >= 2);
}

static int leave(void **state)
{
    (void)state;
    fixture_leave();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(development),
        cmocka_unit_test(precedence),
        cmocka_unit_test(the_file_can_be_named_by_the_environment),
        cmocka_unit_test(a_variable_is_found_by_its_whole_name),
        cmocka_unit_test(lists_are_joined),
        cmocka_unit_test(forms_of_values),
        cmocka_unit_test(actions),
        cmocka_unit_test(refusals_say_what_and_where),
        cmocka_unit_test(texts_may_hold_any_character),
        cmocka_unit_test(malformed_files),
        cmocka_unit_test(oversized_files),
        cmocka_unit_test(too_many_list_items),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, leave);
}
