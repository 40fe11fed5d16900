/* Command lines of FrankenPHP's, and what becomes of them.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "table.h"

#include "base/buffer.h"
#include "server/frankenphp_command.h"

#define WORDS_MAX 24

/* NULL at the end of each; a case has one of expected, printed and refused. */
struct given {
    const char *argv[WORDS_MAX];
    const char *environment[WORDS_MAX];
    bool is_terminal;
};

struct outcome {
    int code;
    char text[8192]; /* arguments with a line break behind each, what was printed, or the sentence */
    bool is_printed;
};

static void translate(const struct given *given, struct outcome *ret)
{
    char *argv[WORDS_MAX];
    char *environment[WORDS_MAX];
    int argc = 0;

    memcpy(argv, given->argv, sizeof(argv));
    memcpy(environment, given->environment, sizeof(environment));
    while (argv[argc] != NULL) {
        argc++;
    }
    const struct psv_frankenphp_machine machine = {
        .environment = environment, .cores = 3, .is_terminal = given->is_terminal};
    struct psv_frankenphp_command command = {0};
    struct psv_error error = {0};
    struct psv_arena arena;
    struct psv_buffer out;
    size_t len = 0;
    psv_arena_init(&arena, 1 << 20);
    psv_buffer_init(&out, 1 << 16);
    *ret = (struct outcome){0};
    assert_true(psv_frankenphp_is_meant(argc, argv));
    ret->code = psv_frankenphp_translate(argc, argv, &machine, &arena, &out, &command, &error);
    if (ret->code != 0) {
        (void)snprintf(ret->text, sizeof(ret->text), "%s", error.message);
    } else if (command.argv == NULL) {
        ret->is_printed = true;
        (void)snprintf(ret->text, sizeof(ret->text), "%.*s", (int)out.len, out.data);
    } else {
        assert_string_equal(command.argv[0], "phpsrv");
        assert_null(command.argv[command.argc]);
        for (int i = 1; i < command.argc; i++) {
            len += (size_t)snprintf(ret->text + len, sizeof(ret->text) - len, "%s\n", command.argv[i]);
        }
    }
    psv_buffer_fini(&out);
    psv_arena_fini(&arena);
}

#define OCTANE                                                                                               \
    "LARAVEL_OCTANE=1", "APP_BASE_PATH=/app", "APP_PUBLIC_PATH=/app/public", "CADDY_SERVER_LOGGER=json",     \
        "CADDY_SERVER_LOG_LEVEL=INFO", "CADDY_SERVER_SERVER_NAME=http://:8000"
#define RUN                                                                                                  \
    {                                                                                                        \
        "/app/frankenphp", "run", "-c", "/dev/null"                                                          \
    }
#define HABITS                                                                                               \
    "--sapi-name=frankenphp\n--php-time-limit=wall\n--static-follow-symlinks=true\n--asset-extensions=\n"
#define ADMIN "--internal=localhost:2019\n--internal-frankenphp\n"
#define JSON_LOGS "--log-format=caddy\n--log-access=caddy\n--log-access-path=stderr\n"
#define WORKER(count)                                                                                        \
    "--docroot=/app/public\n--index=frankenphp-worker.php\n"                                                 \
    "--worker=/app/public/frankenphp-worker.php," count "\n--workers=1\n"

static void test_octane(void **state)
{
    static const struct {
        TABLE_ROW;
        struct given given;
        const char *expected;
    } cases[] = {
        {ROW("the least"), {RUN, {OCTANE}, false}, "--listen=:8000\n" WORKER("6") JSON_LOGS HABITS ADMIN},
        {ROW("all that Octane sets"),
         {RUN,
          {OCTANE, "APP_ENV=production", "MAX_REQUESTS=500", "REQUEST_MAX_EXECUTION_TIME=30",
           "CADDY_GLOBAL_OPTIONS=auto_https disable_redirects", "CADDY_SERVER_ADMIN_HOST=127.0.0.1",
           "CADDY_SERVER_ADMIN_PORT=2020", "CADDY_SERVER_WORKER_COUNT=4",
           "CADDY_SERVER_WORKER_DIRECTIVE=num 4",
           "CADDY_SERVER_EXTRA_DIRECTIVES=", "CADDY_SERVER_WATCH_DIRECTIVES="},
          false},
         "--listen=:8000\n" WORKER("4") JSON_LOGS HABITS
         "--internal=127.0.0.1:2020\n--internal-frankenphp\n"},
        {ROW("count in the directive alone"),
         {RUN, {OCTANE, "CADDY_SERVER_WORKER_DIRECTIVE=num 9"}, false},
         "--listen=:8000\n" WORKER("9") JSON_LOGS HABITS ADMIN},
        {ROW("older names"),
         {{"phpsrv", "frankenphp", "run", "--config=/dev/null", "--adapter", "caddyfile"},
          {"LARAVEL_OCTANE=1", "APP_BASE_PATH=/app", "SERVER_NAME=http://127.0.0.1:8000", "WORKER_COUNT=2"},
          false},
         "--listen=127.0.0.1:8000\n" WORKER("2") JSON_LOGS HABITS ADMIN},
        {ROW("quiet log, long limit"),
         {RUN, {OCTANE, "REQUEST_MAX_EXECUTION_TIME=300"}, false},
         "--listen=:8000\n" WORKER("6") "--request-timeout-ms=310s\n" JSON_LOGS HABITS ADMIN},
        {ROW("no limit"),
         {RUN, {OCTANE, "REQUEST_MAX_EXECUTION_TIME=0"}, false},
         "--listen=:8000\n" WORKER("6") "--request-timeout-ms=0s\n" JSON_LOGS HABITS ADMIN},
        {ROW("our variables win over habits"),
         {RUN,
          {OCTANE, "PHPSRV_WORKERS=3", "PHPSRV_SAPI_NAME=x", "PHPSRV_LOG_ACCESS=off",
           "PHPSRV_REQUEST_TIMEOUT_MS=5s", "REQUEST_MAX_EXECUTION_TIME=0", "PHPSRV_LISTEN=:1"},
          false},
         "--listen=:8000\n--docroot=/app/public\n--index=frankenphp-worker.php\n"
         "--worker=/app/public/frankenphp-worker.php,6\n--log-format=caddy\n--log-access-path=stderr\n"
         "--php-time-limit=wall\n--static-follow-symlinks=true\n--asset-extensions=\n" ADMIN},
        {ROW("watch"),
         {RUN,
          {OCTANE, "CADDY_SERVER_WATCH_DIRECTIVES=\t\twatch /app/app\n\t\twatch /app/config/**/*.php"},
          false},
         "--listen=:8000\n" WORKER(
             "6") "--watch=/app/app\n--watch=/app/config/**/*.php\n" JSON_LOGS HABITS ADMIN},
        {ROW("watch what FrankenPHP watches"),
         {RUN, {OCTANE, "CADDY_SERVER_WATCH_DIRECTIVES=\t\twatch"}, false},
         "--listen=:8000\n" WORKER(
             "6") "--watch=/app/**/*.env\n--watch=/app/**/*.php\n--watch=/app/**/*.twig\n"
                  "--watch=/app/**/*.yaml\n--watch=/app/**/*.yml\n" JSON_LOGS HABITS ADMIN},
        {ROW("debug"),
         {RUN, {OCTANE, "CADDY_GLOBAL_OPTIONS=debug\n"}, false},
         "--log-level=debug\n--listen=:8000\n" WORKER("6") JSON_LOGS HABITS ADMIN},
        {ROW("https"),
         {RUN,
          {"LARAVEL_OCTANE=1", "APP_PUBLIC_PATH=/app/public",
           "CADDY_SERVER_SERVER_NAME=https://example.org:8443", "PHPSRV_TLS_CERT=/c",
           "CADDY_GLOBAL_OPTIONS=auto_https disable_redirects"},
          false},
         "--tls-listen=:8443\n--listen=\n--host=example.org\n" WORKER("6") JSON_LOGS HABITS ADMIN},
        {ROW("https with redirection"),
         {RUN,
          {"LARAVEL_OCTANE=1", "APP_PUBLIC_PATH=/app/public", "CADDY_SERVER_SERVER_NAME=https://10.0.0.1",
           "PHPSRV_CONFIG=/c", "CADDY_SERVER_LOGGER=console"},
          false},
         "--tls-listen=10.0.0.1:443\n--listen=:80\n--tls-redirect-port=443\n" WORKER(
             "6") "--log-format=text\n--log-access=short\n--log-access-path=stderr\n" HABITS ADMIN},
        {ROW("administration elsewhere"),
         {RUN, {OCTANE, "CADDY_ADMIN=127.0.0.1:1"}, false},
         "--listen=:8000\n" WORKER("6") JSON_LOGS HABITS "--internal=127.0.0.1:1\n--internal-frankenphp\n"},
        {ROW("administration by IPv6"),
         {RUN, {OCTANE, "CADDY_SERVER_ADMIN_HOST=::1", "CADDY_SERVER_ADMIN_PORT=1"}, false},
         "--listen=:8000\n" WORKER("6") JSON_LOGS HABITS "--internal=[::1]:1\n--internal-frankenphp\n"},
        {ROW("no administration"),
         {RUN, {OCTANE, "CADDY_ADMIN=off"}, false},
         "--listen=:8000\n" WORKER("6") JSON_LOGS HABITS},
    };
    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        static struct outcome outcome;
        translate(&row->given, &outcome);
        assert_string_equal(outcome.text, row->expected);
    }
}

/* Octane with a log that is asked to be quiet: only what has failed. */
static void test_log_levels(void **state)
{
    static const struct {
        TABLE_ROW;
        const char *level;
        bool is_quiet;
    } cases[] = {
        {ROW("debug"), "CADDY_SERVER_LOG_LEVEL=DEBUG", false},
        {ROW("info"), "CADDY_SERVER_LOG_LEVEL=info", false},
        {ROW("warn"), "CADDY_SERVER_LOG_LEVEL=WARN", true},
        {ROW("error"), "CADDY_SERVER_LOG_LEVEL=error", true},
        {ROW("none"), "CADDY_SERVER_LOG_LEVEL=", false},
    };
    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        static struct outcome outcome;
        const struct given given = {RUN, {row->level, "LARAVEL_OCTANE=1", "APP_BASE_PATH=/app"}, false};
        translate(&given, &outcome);
        assert_int_equal(outcome.code, 0);
        assert_int_equal(strstr(outcome.text, "--log-access-status-min=500\n") != NULL, row->is_quiet);
    }
}

static void test_php_server(void **state)
{
    static const struct {
        TABLE_ROW;
        struct given given;
        const char *expected;
    } cases[] = {
        {ROW("nothing"),
         {{"frankenphp", "php-server"}, {NULL}, false},
         "--listen=:80\n--docroot=.\n--fallback=/index.php\n" HABITS ADMIN "--log-format=caddy\n"},
        {ROW("at a terminal"),
         {{"frankenphp", "php-server", "-a"}, {NULL}, true},
         "--listen=:80\n--docroot=.\n--fallback=/index.php\n" HABITS ADMIN
         "--log-format=text\n--log-access=short\n--log-access-path=stderr\n"},
        {ROW("long"),
         {{"frankenphp", "php-server", "--root=public", "--listen", "127.0.0.1:8080", "--worker", "w.php,4",
           "--watch=src/**/*.php", "--access-log", "--debug", "--no-compress"},
          {"CADDY_ADMIN=off"},
          false},
         "--worker=w.php,4\n--watch=src/**/*.php\n--listen=127.0.0.1:8080\n--docroot=public\n--fallback=/"
         "index.php\n" HABITS JSON_LOGS "--log-level=debug\n--compress-codings=off\n"},
        {ROW("short"),
         {{"phpsrv", "frankenphp", "php-server", "-rpublic", "-l=:8080", "-w", "a.php", "-w=b.php,2", "-v"},
          {"CADDY_ADMIN=off"},
          false},
         "--worker=a.php\n--worker=b.php,2\n--listen=:8080\n--docroot=public\n--fallback=/index.php\n" HABITS
         "--log-format=caddy\n--log-level=debug\n"},
        {ROW("domain"),
         {{"frankenphp", "php-server", "-d", "example.org"},
          {"PHPSRV_TLS_CERT=/c", "CADDY_ADMIN=off"},
          false},
         "--tls-listen=:443\n--listen=\n--host=example.org\n--docroot=.\n--fallback=/index.php\n" HABITS
         "--log-format=caddy\n"},
        {ROW("domain on another port"),
         {{"frankenphp", "php-server", "--domain=example.org", "--listen=[::1]:8443"},
          {"PHPSRV_TLS_CERT=/c", "CADDY_ADMIN=off"},
          false},
         "--tls-listen=[::1]:8443\n--listen=\n--host=example.org\n--docroot=.\n--fallback=/index.php\n" HABITS
         "--log-format=caddy\n"},
        {ROW("php-cli"),
         {{"frankenphp", "php-cli", "artisan", "-v", "--env=x"}, {NULL}, false},
         "run\nartisan\n-v\n--env=x\n"},
    };
    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        static struct outcome outcome;
        translate(&row->given, &outcome);
        assert_string_equal(outcome.text, row->expected);
    }
}

static void test_refusals(void **state)
{
    static const struct {
        TABLE_ROW;
        struct given given;
        const char *said; /* somewhere in the sentence */
    } cases[] = {
        {ROW("a Caddyfile alone"), {RUN, {NULL}, false}, "php-server"},
        {ROW("Octane without a folder"), {RUN, {"LARAVEL_OCTANE=1"}, false}, "APP_PUBLIC_PATH"},
        {ROW("no such file"), {{"frankenphp", "run", "-c", "/nowhere/x"}, {OCTANE}, false}, "/nowhere/x"},
        {ROW("value is missing"), {{"frankenphp", "run", "-c"}, {OCTANE}, false}, "only -c CADDYFILE"},
        {ROW("run --resume"), {{"frankenphp", "run", "--resume"}, {OCTANE}, false}, "--resume"},
        {ROW("Mercure"),
         {RUN, {OCTANE, "CADDY_SERVER_EXTRA_DIRECTIVES=mercure {\n}"}, false},
         "\"mercure {\""},
        {ROW("other directives"), {RUN, {OCTANE, "CADDY_EXTRA_CONFIG=x {}"}, false}, "CADDY_EXTRA_CONFIG"},
        {ROW("global options"), {RUN, {OCTANE, "CADDY_GLOBAL_OPTIONS=http_port 1"}, false}, "http_port 1"},
        {ROW("worker directive"), {RUN, {OCTANE, "CADDY_SERVER_WORKER_DIRECTIVE=env A B"}, false}, "num N"},
        {ROW("no threads"), {RUN, {OCTANE, "CADDY_SERVER_WORKER_COUNT=0"}, false}, "from 1 to 4096"},
        {ROW("no number"), {RUN, {OCTANE, "CADDY_SERVER_WORKER_COUNT=4x"}, false}, "4x"},
        {ROW("too many"), {RUN, {OCTANE, "CADDY_SERVER_WORKER_COUNT=4097"}, false}, "4097"},
        {ROW("limit"), {RUN, {OCTANE, "REQUEST_MAX_EXECUTION_TIME=-1"}, false}, "-1"},
        {ROW("watch"), {RUN, {OCTANE, "CADDY_SERVER_WATCH_DIRECTIVES=watcher /x"}, false}, "watcher /x"},
        {ROW("logger"),
         {RUN, {"LARAVEL_OCTANE=1", "APP_BASE_PATH=/", "CADDY_SERVER_LOGGER=x"}, false},
         "json and console"},
        {ROW("log level"),
         {RUN, {"LARAVEL_OCTANE=1", "APP_BASE_PATH=/", "CADDY_SERVER_LOG_LEVEL=loud"}, false},
         "loud"},
        {ROW("https without a certificate"),
         {RUN, {"LARAVEL_OCTANE=1", "APP_BASE_PATH=/", "CADDY_SERVER_SERVER_NAME=https://:1"}, false},
         "PHPSRV_TLS_CERT"},
        {ROW("two addresses"),
         {RUN, {"LARAVEL_OCTANE=1", "APP_BASE_PATH=/", "CADDY_SERVER_SERVER_NAME=:1, :2"}, false},
         "one address"},
        {ROW("a path"),
         {RUN, {"LARAVEL_OCTANE=1", "APP_BASE_PATH=/", "CADDY_SERVER_SERVER_NAME=http://:1/x"}, false},
         "one address"},
        {ROW("port"),
         {RUN, {"LARAVEL_OCTANE=1", "APP_BASE_PATH=/", "CADDY_SERVER_SERVER_NAME=http://:70000"}, false},
         "one address"},
        {ROW("php-server: Mercure"), {{"frankenphp", "php-server", "-m"}, {NULL}, false}, "Mercure"},
        {ROW("php-server: unknown"), {{"frankenphp", "php-server", "--roots=x"}, {NULL}, false}, "--roots=x"},
        {ROW("php-server: operand"), {{"frankenphp", "php-server", "x"}, {NULL}, false}, " x is not"},
        {ROW("php-server: no value"),
         {{"frankenphp", "php-server", "--root"}, {NULL}, false},
         "--root needs"},
        {ROW("php-server: too much"),
         {{"frankenphp", "php-server", "--debug=1"}, {NULL}, false},
         "--debug=1"},
        {ROW("php-server: domain"),
         {{"frankenphp", "php-server", "-d", "a.example"}, {NULL}, false},
         "https"},
        {ROW("php-cli without"), {{"frankenphp", "php-cli"}, {NULL}, false}, "SCRIPT"},
        {ROW("php-cli -r"), {{"frankenphp", "php-cli", "-r", "1"}, {NULL}, false}, "SCRIPT"},
        {ROW("unknown verb"), {{"frankenphp", "list-modules"}, {NULL}, false}, "\"list-modules\""},
        {ROW("reload"), {{"frankenphp", "reload"}, {NULL}, false}, "/frankenphp/workers/restart"},
        {ROW("stop"), {{"frankenphp", "stop"}, {NULL}, false}, ":2019/stop"},
        {ROW("our options"), {{"frankenphp", "--listen", ":80"}, {NULL}, false}, "\"--listen\""},
    };
    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        static struct outcome outcome;
        translate(&row->given, &outcome);
        assert_true(outcome.code < 0);
        if (strstr(outcome.text, row->said) == NULL) {
            fail_msg("no \"%s\" in: %s", row->said, outcome.text);
        }
    }
}

static void test_printed(void **state)
{
    static const struct {
        TABLE_ROW;
        struct given given;
        const char *said;
    } cases[] = {
        {ROW("no verb"), {{"/usr/lib/phpsrv/bin/frankenphp"}, {NULL}, false}, "php-server [OPTION]"},
        {ROW("no verb either"), {{"phpsrv", "frankenphp"}, {NULL}, false}, "php-server [OPTION]"},
        {ROW("help"), {{"frankenphp", "--help"}, {NULL}, false}, "--worker FILE[,N]"},
        {ROW("version"), {{"frankenphp", "version"}, {NULL}, false}, "phpsrv "},
        {ROW("build-info"), {{"frankenphp", "build-info"}, {NULL}, false}, "this is phpsrv, not FrankenPHP"},
    };
    (void)state;
    TABLE_FOR_EACH(row, cases)
    {
        static struct outcome outcome;
        translate(&row->given, &outcome);
        assert_true(outcome.is_printed);
        assert_non_null(strstr(outcome.text, row->said));
    }
}

/* Octane: the line that begins with "dep", and of it what stands behind the last "v". */
static void test_build_info_as_octane_reads_it(void **state)
{
    static struct outcome outcome;
    const struct given given = {{"frankenphp", "build-info"}, {NULL}, false};

    (void)state;
    translate(&given, &outcome);
    const char *line = strstr(outcome.text, "\ndep");
    assert_non_null(line);
    assert_null(strstr(line + 1, "\ndep"));
    assert_non_null(strstr(line, "github.com/dunglas/frankenphp"));
    const char *version = strrchr(line, 'v');
    assert_string_equal(version, "v" PSV_FRANKENPHP_VERSION "\n");
}

static void test_names(void **state)
{
    char *const own[] = {(char[]){"/usr/bin/phpsrv"}, (char[]){"run"}, NULL};
    char *const other[] = {(char[]){"/opt/frankenphp/phpsrv"}, NULL};
    char *const longer[] = {(char[]){"my-frankenphp"}, NULL};

    (void)state;
    assert_false(psv_frankenphp_is_meant(2, own));
    assert_false(psv_frankenphp_is_meant(1, other));
    assert_false(psv_frankenphp_is_meant(1, longer));
    assert_false(psv_frankenphp_is_meant(0, other + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_octane),     cmocka_unit_test(test_log_levels),
        cmocka_unit_test(test_php_server), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_printed),    cmocka_unit_test(test_build_info_as_octane_reads_it),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
