/* See frankenphp_command.h.
 *
 * SPDX-License-Identifier: MIT */
#include "frankenphp_command.h"

#include <string.h>

#include "base/buffer.h"
#include "exec/executor_registry.h"
#include "psv_version.h"
#include "server/frankenphp_arguments.h"
#include "server/frankenphp_octane.h"
#include "server/frankenphp_server.h"

#define NAME "frankenphp"
#define FACTS_MAX 16

/* A verb at work. */
struct call {
    struct psv_frankenphp_arguments *list;
    const struct psv_frankenphp_machine *machine;
    char *const *arguments; /* behind the verb, NULL at their end */
    struct psv_buffer *out;
    bool is_printed;
    struct psv_error *reterr;
};

typedef int verb_fn(struct call *call);

static verb_fn run;
static verb_fn php_server;
static verb_fn php_cli;
static verb_fn version;
static verb_fn build_info;
static verb_fn help;

static const struct {
    const char *name;
    const char *usage;
    const char *text;
    verb_fn *call;
} verbs[] = {
    {"run", "-c CADDYFILE", "serve what Laravel Octane's variables say; the Caddyfile is not read", run},
    {"php-server", "[OPTION]...", "serve a folder with PHP scripts", php_server},
    {"php-cli", "SCRIPT [ARGUMENT]...", "run a script on the command line (phpsrv run)", php_cli},
    {"version", "", "print versions", version},
    {"build-info", "", "print versions as Laravel Octane reads them", build_info},
    {"help", "", "print this text", help},
    {"--version", NULL, NULL, version},
    {"--help", NULL, NULL, help},
    {"-h", NULL, NULL, help},
};

static const char server_usage[] =
    "\nOptions of php-server\n"
    "  -r, --root DIR        document root (the working directory)\n"
    "  -l, --listen ADDRESS  such as :8080 or 127.0.0.1:8080 (:80; with --domain :443)\n"
    "  -d, --domain NAME     host; https, with the files of PHPSRV_TLS_CERT and PHPSRV_TLS_KEY\n"
    "  -w, --worker FILE[,N] script that N threads boot once; can be given many times\n"
    "      --watch PATTERN   boot worker scripts anew when these files change; can be given many times\n"
    "  -a, --access-log      write an access log\n"
    "  -v, --debug           log more\n"
    "      --no-compress     send responses as they are\n"
    "\nEvery other option of phpsrv can be set by its variable (PHPSRV_...; phpsrv --help).\n";

/* ---- which command line it is */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static bool has_name(int argc, char *const *argv)
{
    return argc > 0 && strcmp(base_name(argv[0]), NAME) == 0;
}

bool psv_frankenphp_is_meant(int argc, char *const *argv)
{
    return has_name(argc, argv) || (argc > 1 && strcmp(argv[1], NAME) == 0);
}

/* ---- verbs that serve, or run a script */

static int run(struct call *call)
{
    return psv_frankenphp_octane(call->list, call->arguments, call->machine->cores, call->reterr);
}

static int php_server(struct call *call)
{
    return psv_frankenphp_server(call->list, call->arguments, call->machine->is_terminal, call->reterr);
}

static int php_cli(struct call *call)
{
    char *const *argument = call->arguments;

    if (*argument == NULL || **argument == '-') {
        return psv_error_set(
            call->reterr, PSV_EINVAL,
            "frankenphp php-cli: a script is needed: frankenphp php-cli SCRIPT [ARGUMENT]...");
    }
    psv_frankenphp_add(call->list, "run");
    for (; *argument != NULL; argument++) {
        psv_frankenphp_add(call->list, *argument);
    }
    return PSV_OK;
}

/* ---- verbs that print */

/* The version of PHP, as the first executor that has one says it. */
static int put_php(struct psv_buffer *out)
{
    struct psv_executor_fact facts[FACTS_MAX];

    for (size_t i = 0; psv_executor_at(i) != NULL; i++) {
        const struct psv_executor *executor = psv_executor_at(i);
        size_t len = executor->facts != NULL ? executor->facts(facts, FACTS_MAX) : 0;
        for (size_t k = 0; k < len; k++) {
            if (strcmp(facts[k].name, "php") == 0) {
                return psv_buffer_printf(out, " PHP %s", facts[k].value);
            }
        }
    }
    return PSV_OK;
}

static int version(struct call *call)
{
    call->is_printed = true;
    int code = psv_buffer_printf(call->out, "phpsrv %s in place of FrankenPHP v" PSV_FRANKENPHP_VERSION,
                                 PSV_VERSION);

    if (code == PSV_OK) {
        code = put_php(call->out);
    }
    return code == PSV_OK ? psv_buffer_printf(call->out, "\n") : code;
}

/* Octane takes what stands behind the last "v" of the line that begins with "dep". */
static int build_info(struct call *call)
{
    call->is_printed = true;
    return psv_buffer_printf(
        call->out,
        "path\tphpsrv\n"
        "mod\tphpsrv\t%s\n"
        "note\tthis is phpsrv, not FrankenPHP: the next line names the version whose contract it keeps\n"
        "dep\tgithub.com/dunglas/frankenphp\tv" PSV_FRANKENPHP_VERSION "\n",
        PSV_VERSION);
}

static int help(struct call *call)
{
    call->is_printed = true;
    int code = psv_buffer_printf(call->out,
                                 "phpsrv %s under the name of FrankenPHP\n\nusage: " NAME
                                 " VERB [ARGUMENT]...\n   or: phpsrv " NAME " VERB [ARGUMENT]...\n\nVerbs\n",
                                 PSV_VERSION);

    for (size_t i = 0; i < ARRAY_SIZE(verbs) && code == PSV_OK; i++) {
        if (verbs[i].usage != NULL) {
            code = psv_buffer_printf(call->out, "  %-10s %-21s %s\n", verbs[i].name, verbs[i].usage,
                                     verbs[i].text);
        }
    }
    return code == PSV_OK ? psv_buffer_printf(call->out, "%s", server_usage) : code;
}

/* ---- all together */

static verb_fn *find_verb(const char *word, struct psv_error *reterr)
{
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (strcmp(word, verbs[i].name) == 0) {
            return verbs[i].call;
        }
    }
    if (strcmp(word, "reload") == 0 || strcmp(word, "stop") == 0) {
        (void)psv_error_set(reterr, PSV_EINVAL,
                            NAME " %s: ask the server itself: curl -X POST http://localhost:2019/%s", word,
                            *word == 's' ? "stop" : "frankenphp/workers/restart");
        return NULL;
    }
    (void)psv_error_set(reterr, PSV_EINVAL,
                        NAME ": \"%.80s\" is no verb that phpsrv knows: run, php-server, php-cli, version, "
                             "build-info, help",
                        word);
    return NULL;
}

int psv_frankenphp_translate(int argc, char *const *argv, const struct psv_frankenphp_machine *machine,
                             struct psv_arena *arena, struct psv_buffer *out,
                             struct psv_frankenphp_command *ret, struct psv_error *reterr)
{
    int at = has_name(argc, argv) ? 1 : 2;
    const char *word = at < argc ? argv[at] : "help";
    struct psv_frankenphp_arguments list;
    struct call call = {.list = &list,
                        .machine = machine,
                        .arguments = argv + MIN(at + 1, argc),
                        .out = out,
                        .reterr = reterr};
    verb_fn *verb = find_verb(word, reterr);

    if (verb == NULL) {
        return PSV_EINVAL;
    }
    if (psv_frankenphp_arguments_init(&list, arena, machine->environment, (size_t)argc) != PSV_OK) {
        return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    }
    int code = verb(&call);
    if (code == PSV_OK && list.is_full) {
        code = psv_error_set(reterr, PSV_ELIMIT, NAME " %s: too many arguments, or too long ones", word);
    }
    if (code == PSV_OK) {
        *ret = (struct psv_frankenphp_command){.argc = (int)list.len,
                                               .argv = call.is_printed ? NULL : list.items};
    }
    return code;
}
