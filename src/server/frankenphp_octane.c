/* See frankenphp_octane.h.
 *
 * SPDX-License-Identifier: MIT */
#include "frankenphp_octane.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/text_parse.h"
#include "server/frankenphp_arguments.h"
#include "server/frankenphp_server.h"

#define WORKER_SCRIPT "frankenphp-worker.php"
/* The script's own limit comes first: it can say what took so long. */
#define DEADLINE_SLACK_S 10
#define DEADLINE_LEAST_S 120
#define COUNT_MAX 4096
#define WATCHES_MAX 256
#define PATH_BYTES 4096

static const char *variable(const struct psv_frankenphp_arguments *list, const char *name,
                            const char *older_name)
{
    const char *value = psv_frankenphp_variable(list, name);

    return *value != '\0' || older_name == NULL ? value : psv_frankenphp_variable(list, older_name);
}

/* ---- the command line: one file, which is not read */

static int check_arguments(char *const *arguments, struct psv_error *reterr)
{
    const char *file = NULL;

    for (; *arguments != NULL; arguments++) {
        bool is_config = strcmp(*arguments, "-c") == 0 || strcmp(*arguments, "--config") == 0;
        bool is_adapter = strcmp(*arguments, "-a") == 0 || strcmp(*arguments, "--adapter") == 0;
        if (strncmp(*arguments, "--config=", 9) == 0) {
            file = *arguments + 9;
        } else if ((is_config || is_adapter) && arguments[1] != NULL) {
            arguments++;
            file = is_config ? *arguments : file;
        } else {
            return psv_error_set(reterr, PSV_EINVAL,
                                 "frankenphp run: %.100s is not known here, only -c CADDYFILE", *arguments);
        }
    }
    if (file != NULL && access(file, R_OK) != 0) {
        return psv_error_set(reterr, PSV_ENOENT, "frankenphp run: the file \"%.200s\" cannot be read", file);
    }
    return PSV_OK;
}

/* What only a Caddyfile's reader could do. */
static int refuse_directives(const struct psv_frankenphp_arguments *list, struct psv_error *reterr)
{
    static const char *const names[] = {"CADDY_SERVER_EXTRA_DIRECTIVES", "CADDY_EXTRA_CONFIG",
                                        "FRANKENPHP_CONFIG"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct psv_bytes text = psv_bytes_trim(psv_bytes_of(psv_frankenphp_variable(list, names[i])));
        if (text.len > 0) {
            return psv_error_set(reterr, PSV_EINVAL,
                                 "%s asks for \"%.*s\": phpsrv has no directives of Caddy and no Mercure "
                                 "hub; take it out (octane.mercure in config/octane.php)",
                                 names[i], (int)MIN(psv_bytes_find(text, '\n'), (size_t)80), text.data);
        }
    }
    return PSV_OK;
}

/* ---- variables */

static int add_globals(struct psv_frankenphp_arguments *list, bool *ret_redirects, struct psv_error *reterr)
{
    struct psv_bytes rest = psv_bytes_of(psv_frankenphp_variable(list, "CADDY_GLOBAL_OPTIONS"));
    struct psv_bytes line;

    *ret_redirects = true;
    while (psv_bytes_split(&rest, '\n', &line)) {
        line = psv_bytes_trim(line);
        if (psv_bytes_equal(line, PSV_BYTES("debug"))) {
            psv_frankenphp_add_option(list, "log-level", "debug");
        } else if (psv_bytes_equal(line, PSV_BYTES("auto_https disable_redirects")) ||
                   psv_bytes_equal(line, PSV_BYTES("auto_https off"))) {
            *ret_redirects = false;
        } else if (line.len > 0) {
            return psv_error_set(reterr, PSV_EINVAL,
                                 "CADDY_GLOBAL_OPTIONS: \"%.*s\" is not known here, only debug and "
                                 "auto_https disable_redirects",
                                 (int)MIN(line.len, (size_t)80), line.data);
        }
    }
    return PSV_OK;
}

static int add_address(struct psv_frankenphp_arguments *list, bool redirects, struct psv_error *reterr)
{
    struct psv_frankenphp_site site;
    struct psv_error error;
    const char *name = variable(list, "CADDY_SERVER_SERVER_NAME", "SERVER_NAME");
    int code = psv_frankenphp_parse_site(*name != '\0' ? name : "http://:8000", &site, &error);

    return code == PSV_OK ? psv_frankenphp_add_site(list, &site, redirects, reterr)
                          : psv_error_set(reterr, code, "CADDY_SERVER_SERVER_NAME: %s", error.message);
}

/* "num 8", or the count alone; as FrankenPHP twice the cores, because threads of an application wait. */
static int find_count(const struct psv_frankenphp_arguments *list, unsigned cores, uint64_t *ret_count,
                      struct psv_error *reterr)
{
    struct psv_bytes text = psv_bytes_of(variable(list, "CADDY_SERVER_WORKER_COUNT", "WORKER_COUNT"));
    const char *directive = psv_frankenphp_variable(list, "CADDY_SERVER_WORKER_DIRECTIVE");

    if (text.len == 0 && *directive != '\0') {
        text = psv_bytes_trim(psv_bytes_of(directive));
        if (!psv_bytes_starts_with(text, PSV_BYTES("num "))) {
            return psv_error_set(reterr, PSV_EINVAL,
                                 "CADDY_SERVER_WORKER_DIRECTIVE: \"%.80s\" is not known here, only num N",
                                 directive);
        }
        text = psv_bytes_trim(psv_bytes_from(text, 4));
    }
    *ret_count = 2 * (uint64_t)cores;
    if (text.len > 0 &&
        (psv_parse_u64(text, ret_count) != PSV_OK || *ret_count == 0 || *ret_count > COUNT_MAX)) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "CADDY_SERVER_WORKER_COUNT: \"%.*s\" is not a number of threads from 1 to %d",
                             (int)MIN(text.len, (size_t)40), text.data, COUNT_MAX);
    }
    return PSV_OK;
}

static int add_deadline(struct psv_frankenphp_arguments *list, struct psv_error *reterr)
{
    const char *text = psv_frankenphp_variable(list, "REQUEST_MAX_EXECUTION_TIME");
    uint64_t seconds;
    char value[32];

    if (*text == '\0') {
        return PSV_OK;
    }
    if (psv_parse_u64(psv_bytes_of(text), &seconds) != PSV_OK || seconds > 604000) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "REQUEST_MAX_EXECUTION_TIME: \"%.40s\" is not a number of seconds up to 604000",
                             text);
    }
    if (seconds == 0 || seconds + DEADLINE_SLACK_S > DEADLINE_LEAST_S) {
        (void)snprintf(value, sizeof(value), "%" PRIu64 "s", seconds == 0 ? 0 : seconds + DEADLINE_SLACK_S);
        psv_frankenphp_add_default(list, "request-timeout-ms", value);
    }
    return PSV_OK;
}

/* Caddy's access log has the level "error" for 5xx and "info" for the rest. */
static int add_logs(struct psv_frankenphp_arguments *list, struct psv_error *reterr)
{
    static const char *const quiet[] = {"WARN", "ERROR", "PANIC", "FATAL"};
    static const char *const loud[] = {"", "DEBUG", "INFO"};
    struct psv_bytes level = psv_bytes_of(psv_frankenphp_variable(list, "CADDY_SERVER_LOG_LEVEL"));
    const char *logger = psv_frankenphp_variable(list, "CADDY_SERVER_LOGGER");
    bool is_known = false;

    if (*logger != '\0' && strcmp(logger, "json") != 0 && strcmp(logger, "console") != 0) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "CADDY_SERVER_LOGGER: \"%.40s\" is not known here, only json and console",
                             logger);
    }
    psv_frankenphp_add_logs(list, strcmp(logger, "console") != 0, true);
    for (size_t i = 0; i < ARRAY_SIZE(quiet); i++) {
        if (psv_bytes_equal_case(level, psv_bytes_of(quiet[i]))) {
            psv_frankenphp_add_default(list, "log-access-status-min", "500");
            is_known = true;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(loud); i++) {
        is_known = is_known || psv_bytes_equal_case(level, psv_bytes_of(loud[i]));
    }
    return is_known ? PSV_OK
                    : psv_error_set(reterr, PSV_EINVAL,
                                    "CADDY_SERVER_LOG_LEVEL: \"%.*s\" is none of DEBUG, INFO, WARN and ERROR",
                                    (int)MIN(level.len, (size_t)40), level.data);
}

/* Lines "watch PATTERN"; "watch" alone is FrankenPHP's default. */
static int add_watches(struct psv_frankenphp_arguments *list, const char *base, struct psv_error *reterr)
{
    static const char *const extensions[] = {"env", "php", "twig", "yaml", "yml"};
    struct psv_bytes rest = psv_bytes_of(psv_frankenphp_variable(list, "CADDY_SERVER_WATCH_DIRECTIVES"));
    struct psv_bytes line;

    for (size_t len = 0; psv_bytes_split(&rest, '\n', &line); len++) {
        line = psv_bytes_trim(line);
        if (len == WATCHES_MAX) {
            return psv_error_set(reterr, PSV_ELIMIT, "CADDY_SERVER_WATCH_DIRECTIVES: more than %d lines",
                                 WATCHES_MAX);
        }
        if (psv_bytes_equal(line, PSV_BYTES("watch"))) {
            for (size_t i = 0; i < ARRAY_SIZE(extensions); i++) {
                psv_frankenphp_add_option(list, "watch", "%s/**/*.%s", base, extensions[i]);
            }
        } else if (psv_bytes_starts_with(line, PSV_BYTES("watch "))) {
            line = psv_bytes_trim(psv_bytes_from(line, 6));
            psv_frankenphp_add_option(list, "watch", "%.*s", PSV_BYTES_ARG(line));
        } else if (line.len > 0) {
            return psv_error_set(reterr, PSV_EINVAL,
                                 "CADDY_SERVER_WATCH_DIRECTIVES: \"%.*s\" is not a line \"watch PATTERN\"",
                                 (int)MIN(line.len, (size_t)80), line.data);
        }
    }
    return PSV_OK;
}

/* ---- all together */

static int add_application(struct psv_frankenphp_arguments *list, unsigned cores, struct psv_error *reterr)
{
    const char *base = psv_frankenphp_variable(list, "APP_BASE_PATH");
    const char *public = psv_frankenphp_variable(list, "APP_PUBLIC_PATH");
    char folder[PATH_BYTES];
    uint64_t count;
    int code = find_count(list, cores, &count, reterr);

    (void)snprintf(folder, sizeof(folder), "%s%s", *public != '\0' ? public : base,
                   *public != '\0' ? "" : "/public");
    psv_frankenphp_add_option(list, "docroot", "%s", folder);
    psv_frankenphp_add_option(list, "index", WORKER_SCRIPT);
    if (code == PSV_OK) {
        psv_frankenphp_add_option(list, "worker", "%s/" WORKER_SCRIPT ",%" PRIu64, folder, count);
        psv_frankenphp_add_default(list, "workers", "1"); /* nothing but the worker script is ever run */
        code = add_watches(list, *base != '\0' ? base : ".", reterr);
    }
    return code == PSV_OK ? add_deadline(list, reterr) : code;
}

int psv_frankenphp_octane(struct psv_frankenphp_arguments *list, char *const *arguments, unsigned cores,
                          struct psv_error *reterr)
{
    bool redirects;
    int code = check_arguments(arguments, reterr);

    if (code == PSV_OK && (*psv_frankenphp_variable(list, "LARAVEL_OCTANE") == '\0' ||
                           *variable(list, "APP_PUBLIC_PATH", "APP_BASE_PATH") == '\0')) {
        code =
            psv_error_set(reterr, PSV_EINVAL,
                          "phpsrv reads no Caddyfile: \"frankenphp run\" is for \"php artisan octane:start "
                          "--server=frankenphp\", which says in variables (LARAVEL_OCTANE, APP_PUBLIC_PATH "
                          "...) what it wants; else use \"frankenphp php-server\", or phpsrv's own options");
    }
    if (code == PSV_OK) {
        code = refuse_directives(list, reterr);
    }
    if (code == PSV_OK) {
        code = add_globals(list, &redirects, reterr);
    }
    if (code == PSV_OK) {
        code = add_address(list, redirects, reterr);
    }
    if (code == PSV_OK) {
        code = add_application(list, cores, reterr);
    }
    if (code == PSV_OK) {
        code = add_logs(list, reterr);
    }
    if (code == PSV_OK) {
        psv_frankenphp_add_habits(list);
        psv_frankenphp_add_admin(list, psv_frankenphp_variable(list, "CADDY_SERVER_ADMIN_HOST"),
                                 psv_frankenphp_variable(list, "CADDY_SERVER_ADMIN_PORT"));
    }
    return code;
}
