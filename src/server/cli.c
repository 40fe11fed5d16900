/* The program's face: what --help, --version, --check-config and the rest print, and serving.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buffer.h"
#include "config/config.h"
#include "config/toml_reader.h"
#include "exec/executor_registry.h"
#include "handler/metrics_page.h"
#include "http1/codec.h"
#include "http2/codec.h"
#include "net/loop.h"
#include "net/tls_error.h"
#include "observe/otlp_http.h"
#include "os/fd.h"
#include "os/limits.h"
#include "os/privileges.h"
#include "phpsrv/server.h"
#include "psv_version.h"
#include "server/basic_auth.h"
#include "server/compression.h"
#include "server/cors.h"
#include "server/error_pages_load.h"
#include "server/frankenphp_command.h"
#include "server/guards.h"
#include "server/health_command.h"
#include "server/observation.h"
#include "server/response_fields.h"
#include "server/route_command.h"
#include "server/router.h"
#include "server/tls.h"
#include "server/worker_routes.h"
#include "supervise/supervised.h"
#include "supervise/supervisor.h"

#define TEXT_BYTES_MAX (1u << 20)

static unsigned terminal_columns(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Executors may share what they tell of: that is said once. */
static bool is_told_already(size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (psv_executor_at(i)->facts == psv_executor_at(at)->facts) {
            return true;
        }
    }
    return false;
}

static int format_version(struct psv_buffer *out)
{
    struct psv_executor_fact facts[16];
    int code = psv_buffer_printf(
        out, "phpsrv %s\n  %-12s %s\n  %-12s %s\n  %-12s %s\n  %-12s %s\n  %-12s %s\n  %-12s %s\n",
        PSV_VERSION, "libevent", psv_loop_library_version(), "llhttp", psv_h1_parser_library_version(),
        "nghttp2", psv_h2_library_version(), "openssl", psv_tls_library_version(), "toml++",
        psv_toml_library_version(), "curl", psv_otlp_http_library_version());

    for (size_t i = 0; psv_executor_at(i) != NULL && code == PSV_OK; i++) {
        const struct psv_executor *executor = psv_executor_at(i);
        size_t len =
            executor->facts != NULL && !is_told_already(i) ? executor->facts(facts, ARRAY_SIZE(facts)) : 0;
        for (size_t k = 0; k < len && code == PSV_OK; k++) {
            code = psv_buffer_printf(out, "  %-12s %s\n", facts[k].name, facts[k].value);
        }
    }
    return code;
}

/* Executors may share what they measure: that is shown once. */
static int format_metrics_reference(struct psv_buffer *out)
{
    const struct psv_executor *executors[16] = {NULL};
    size_t len = 0;

    for (size_t i = 0; psv_executor_at(i) != NULL && len + 1 < ARRAY_SIZE(executors); i++) {
        bool is_known = false;
        for (size_t k = 0; k < len; k++) {
            is_known = is_known || executors[k]->metrics == psv_executor_at(i)->metrics;
        }
        if (!is_known) {
            executors[len++] = psv_executor_at(i);
        }
    }
    return psv_metrics_page_reference(executors, out);
}

/* Text of the actions that only print; PSV_EUNSUPPORTED for the others. */
static int format_action(const struct psv_config_loaded *loaded, char **argv, struct psv_buffer *out,
                         struct psv_error *reterr)
{
    switch (loaded->action) {
    case PSV_CONFIG_ACTION_HELP:
        return psv_config_help(out, terminal_columns());
    case PSV_CONFIG_ACTION_VERSION:
        return format_version(out);
    case PSV_CONFIG_ACTION_DUMP:
        return psv_config_dump(loaded, out);
    case PSV_CONFIG_ACTION_PRINT_EXAMPLE:
        return psv_config_format_example(out);
    case PSV_CONFIG_ACTION_PRINT_REFERENCE:
        return psv_config_format_reference(out);
    case PSV_CONFIG_ACTION_PRINT_METRICS:
        return format_metrics_reference(out);
    case PSV_CONFIG_ACTION_PRINT_MANUAL:
        return psv_config_format_manual(out, PSV_VERSION, PSV_RELEASE_DATE);
    case PSV_CONFIG_ACTION_PRINT_COMPLETION:
        return psv_config_format_completion(out, loaded->shell);
    case PSV_CONFIG_ACTION_CHECK:
        return psv_buffer_printf(out, "configuration is valid\n");
    case PSV_CONFIG_ACTION_ROUTE:
        return psv_route_command(loaded, argv[loaded->operand_at], out, reterr);
    case PSV_CONFIG_ACTION_HEALTH:
        return psv_health_command(&loaded->config, loaded->operand_at > 0 ? argv[loaded->operand_at] : NULL,
                                  out, reterr);
    case PSV_CONFIG_ACTION_RUN:
    case PSV_CONFIG_ACTION_SCRIPT:
        break;
    }
    return PSV_EUNSUPPORTED;
}

static int check_privileges(const struct psv_config *config, struct psv_error *reterr)
{
    struct psv_privileges privileges;

    return psv_privileges_find(config->server.user, config->server.group, &privileges, reterr);
}

static int check_guards(const struct psv_config *config, struct psv_error *reterr)
{
    struct psv_guards guards;
    struct psv_client_limit limit = {.max = 0};
    int code = psv_guards_init(&guards, &config->guard, reterr);

    if (code == PSV_OK) {
        code = psv_guards_init_clients(&limit, &config->guard, NULL, reterr);
    }
    psv_client_limit_fini(&limit);
    psv_guards_fini(&guards);
    return code;
}

static int check_cors(const struct psv_config *config, struct psv_error *reterr)
{
    struct psv_cors cors;
    int code = psv_cors_init(&cors, &config->cors, reterr);

    psv_cors_fini(&cors);
    return code;
}

static int check_basic_auth(const struct psv_config *config, struct psv_error *reterr)
{
    struct psv_basic_auth auth;
    int code = psv_basic_auth_init(&auth, config, true, reterr);

    psv_basic_auth_fini(&auth);
    return code;
}

static int check_error_pages(const struct psv_config *config, struct psv_error *reterr)
{
    struct psv_error_pages pages;
    int code = psv_error_pages_load(&pages, config->response.error_pages, reterr);

    psv_error_pages_fini(&pages);
    return code;
}

static int check_response_fields(const struct psv_config *config, struct psv_error *reterr)
{
    struct psv_extra_fields fields;
    char hsts_text[40];

    return psv_response_fields_init(&fields, config, true, hsts_text, reterr);
}

typedef int psv_check_fn(const struct psv_config *config, struct psv_error *reterr);

static int check_all(psv_check_fn *const *checks, size_t len, const struct psv_config *config,
                     struct psv_error *reterr)
{
    for (size_t i = 0; i < len; i++) {
        int code = checks[i](config, reterr);
        if (code != PSV_OK) {
            return code;
        }
    }
    return PSV_OK;
}

/* What psv_config_check does not know. */
static int check_more(const struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    static psv_check_fn *const of_server[] = {psv_compression_check, check_privileges, psv_server_tls_check,
                                              psv_observation_check};
    static psv_check_fn *const of_site[] = {psv_router_check, check_guards,      check_cors,
                                            check_basic_auth, check_error_pages, check_response_fields};
    int code = check_all(of_server, ARRAY_SIZE(of_server), &loaded->config, reterr);

    if (code == PSV_OK) {
        code = psv_worker_routes_check(loaded, reterr);
    }
    if (code == PSV_OK) {
        code = check_all(of_site, ARRAY_SIZE(of_site), &loaded->config, reterr);
    }
    for (size_t i = 0; i < loaded->scopes_len && code == PSV_OK; i++) {
        struct psv_error error = {0};
        code = check_all(of_site, ARRAY_SIZE(of_site), &loaded->scopes[i].config, &error);
        if (code != PSV_OK) {
            code = psv_error_set(reterr, code, "site or prefix of %s:%u: %s", loaded->file,
                                 loaded->scopes[i].line, error.message);
        }
    }
    return code;
}

static int serve(const struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    struct psv_server *server = NULL;
    int code = psv_server_start(loaded, &server, reterr);

    if (code != PSV_OK) {
        return -1;
    }
    int exit_code = psv_server_wait(server);
    psv_server_free(server);
    return exit_code;
}

/* In the process that the supervisor has made. */
static int serve_supervised(const struct psv_config_loaded *loaded)
{
    struct psv_error error = {0};
    int exit_code = serve(loaded, &error);

    if (exit_code < 0) {
        (void)fprintf(stderr, "phpsrv: %s\n", error.message);
        return 1;
    }
    return exit_code;
}

static int supervise_or_serve(int argc, char **argv, const struct psv_config_loaded *loaded,
                              struct psv_error *reterr)
{
    if (loaded->config.supervisor.enabled && getenv(PSV_SUPERVISED_VARIABLE) == NULL) {
        const struct psv_supervisor_options options = {
            .argc = argc, .argv = argv, .config = loaded, .serve = serve_supervised, .check = check_more};
        return psv_supervise(&options, reterr);
    }
    return serve(loaded, reterr);
}

static int run_script(char **arguments, const struct psv_config *config, struct psv_error *reterr)
{
    const struct psv_executor *executor = psv_executor_find(config->executor.name);

    if (executor == NULL || executor->run_script == NULL) {
        return psv_error_set(reterr, PSV_EUNSUPPORTED, "the executor \"%s\" runs no scripts",
                             config->executor.name);
    }
    return executor->run_script(config, arguments, reterr);
}

static int act(int argc, char **argv, const struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    struct psv_buffer out;

    if (loaded->action == PSV_CONFIG_ACTION_RUN) {
        return supervise_or_serve(argc, argv, loaded, reterr);
    }
    if (loaded->action == PSV_CONFIG_ACTION_SCRIPT) {
        return run_script(argv + loaded->operand_at, &loaded->config, reterr);
    }
    psv_buffer_init(&out, TEXT_BYTES_MAX);
    int code = format_action(loaded, argv, &out, reterr);
    if (code == PSV_OK) {
        code = psv_fd_write_all(STDOUT_FILENO, out.data, out.len);
    }
    psv_buffer_fini(&out);
    if (code == PSV_OK || code == PSV_EGONE) {
        return 0;
    }
    return reterr->message[0] != '\0' ? -1
                                      : psv_error_set(reterr, code, "cannot print: %s", psv_error_text(code));
}

static int load_and_act(int argc, char **argv, char **environment)
{
    struct psv_config_loaded loaded = {0};
    struct psv_error error = {0};
    bool needs_check;
    int exit_code = PSV_CONFIG_EXIT_CODE;

    int code = psv_config_load(argc, argv, environment, &loaded, &error);

    if (code == PSV_OK) {
        needs_check = loaded.action == PSV_CONFIG_ACTION_RUN || loaded.action == PSV_CONFIG_ACTION_CHECK;
        code = needs_check ? psv_config_check(&loaded, &error) : PSV_OK;
        if (code == PSV_OK && needs_check) {
            code = check_more(&loaded, &error);
        }
    }
    if (code == PSV_OK) {
        exit_code = act(argc, argv, &loaded, &error);
        if (exit_code < 0) {
            exit_code = 1;
            code = error.code;
        }
    }
    if (code != PSV_OK) {
        (void)fprintf(stderr, "phpsrv: %s\n", error.message);
    }
    psv_config_loaded_fini(&loaded);
    return exit_code;
}

/* Under another program's name: what it would do, or print. */
static int act_as_frankenphp(int argc, char **argv, char **environment)
{
    const struct psv_frankenphp_machine machine = {.environment = environment,
                                                   .cores = psv_limits_cores(&psv_limits_system_roots),
                                                   .is_terminal = isatty(STDERR_FILENO) == 1};
    struct psv_frankenphp_command command = {0};
    struct psv_error error = {0};
    struct psv_arena arena;
    struct psv_buffer out;
    int exit_code = PSV_CONFIG_EXIT_CODE;

    psv_arena_init(&arena, TEXT_BYTES_MAX);
    psv_buffer_init(&out, TEXT_BYTES_MAX);
    int code = psv_frankenphp_translate(argc, argv, &machine, &arena, &out, &command, &error);
    if (code != PSV_OK) {
        (void)fprintf(stderr, "phpsrv: %s\n", error.message);
    } else if (command.argv == NULL) {
        exit_code = psv_fd_write_all(STDOUT_FILENO, out.data, out.len) == PSV_OK ? 0 : 1;
    } else {
        exit_code = load_and_act(command.argc, command.argv, environment);
    }
    psv_buffer_fini(&out);
    psv_arena_fini(&arena);
    return exit_code;
}

int psv_cli_main(int argc, char **argv, char **environment, const struct psv_executor *const *runtimes,
                 size_t runtimes_len)
{
    for (size_t i = 0; i < runtimes_len; i++) {
        psv_executor_register(runtimes[i]);
    }
    psv_executor_register(&psv_executor_stub);
    return psv_frankenphp_is_meant(argc, argv) ? act_as_frankenphp(argc, argv, environment)
                                               : load_and_act(argc, argv, environment);
}
