/* Brings the sources of the configuration together: defaults, then file, then environment, then command line;
 * the later one wins, lists are joined.  [boot].  Judges no combination of values (config_check.c does).
 *
 * SPDX-License-Identifier: MIT */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text_parse.h"
#include "command_line.h"
#include "config_dev.h"
#include "config_scopes.h"
#include "config_standard.h"
#include "config_toml.h"
#include "config_workers.h"
#include "option_value.h"
#include "options.h"
#include "os/fd.h"

#define ARENA_BYTES_MAX (8 * 1024 * 1024)
#define FILE_BYTES_MAX (256 * 1024)
#define ENVIRONMENT_PREFIX "PHPSRV_"

/* Read by scripts that build, test and measure, not by the program. */
static const char *const foreign_names[] = {"PHPSRV_CACHE_DIR",   "PHPSRV_PHP_CONFIG", "PHPSRV_PHP_PREFIX",
                                            "PHPSRV_PHP_SRC",     "PHPSRV_BINARY",     "PHPSRV_LLHTTP_ROOT",
                                            "PHPSRV_PHP_OPTIMIZE"};

static int set(struct psv_config_loaded *loaded, const struct psv_option *option, const char *where,
               struct psv_bytes value, enum psv_config_origin_kind origin, struct psv_error *reterr)
{
    struct psv_option_target target = {
        .config = &loaded->config, .arena = &loaded->arena, .where = where, .reterr = reterr};
    int result = psv_option_set_text(option, &target, value);
    if (result == 0) {
        loaded->origins[psv_option_index(option)] = (struct psv_config_origin){.kind = origin};
    }
    return result;
}

static int apply_defaults(struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    for (size_t i = 0; i < psv_options_len; i++) {
        const struct psv_option *option = &psv_options[i];
        struct psv_bytes value = psv_bytes_of(option->default_text);
        if (option->type == PSV_OPTION_LIST && value.len == 0) {
            continue; /* the empty list */
        }
        int result = set(loaded, option, option->path, value, PSV_CONFIG_ORIGIN_DEFAULT, reterr);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* ---- file */

/* text: to be read into; sites, prefixes and workers are left in it for later. */
static int apply_file(struct psv_config_loaded *loaded, const char *path, const char *where,
                      struct psv_buffer *text, struct psv_error *reterr)
{
    struct psv_bytes copy = psv_arena_copy(&loaded->arena, psv_bytes_of(path));
    if (copy.data == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "%s: out of memory", where);
    }
    loaded->file = copy.data;
    int result = psv_fd_read_file(path, text);
    char quoted[PSV_OPTION_QUOTE_BYTES];
    if (result == PSV_ELIMIT) {
        return psv_error_set(reterr, result, "%s: the file %s is larger than %d bytes", where,
                             psv_option_quote(quoted, copy), FILE_BYTES_MAX);
    }
    if (result != 0) {
        return psv_error_set(reterr, result, "%s: cannot read the file %s: %s", where,
                             psv_option_quote(quoted, copy), psv_error_text(result));
    }
    return psv_config_apply_toml(loaded, psv_buffer_bytes(text), path, reterr);
}

/* ---- environment */

/* Each line of a list option's text is an item. */
static int apply_lines(struct psv_config_loaded *loaded, const struct psv_option *option,
                       struct psv_bytes text, struct psv_error *reterr)
{
    struct psv_bytes line;
    while (psv_bytes_split(&text, '\n', &line)) {
        line = psv_bytes_trim(line);
        if (line.len == 0) {
            continue;
        }
        int result = set(loaded, option, option->environment, line, PSV_CONFIG_ORIGIN_ENVIRONMENT, reterr);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

static bool is_foreign(struct psv_bytes name)
{
    for (size_t i = 0; i < ARRAY_SIZE(foreign_names); i++) {
        if (psv_bytes_equal(name, psv_bytes_of(foreign_names[i]))) {
            return true;
        }
    }
    return psv_bytes_equal(name, PSV_BYTES(PSV_CONFIG_FILE_ENVIRONMENT));
}

static int refuse_variable(struct psv_bytes name, struct psv_error *reterr)
{
    char quoted[PSV_OPTION_QUOTE_BYTES];
    psv_option_quote(quoted, name);
    const char *near = psv_option_nearest_environment(name);
    unsigned best = near != NULL ? psv_edit_distance(name, psv_bytes_of(near)) : UINT_MAX;
    if (psv_option_is_near(name, PSV_BYTES(PSV_CONFIG_FILE_ENVIRONMENT), &best)) {
        near = PSV_CONFIG_FILE_ENVIRONMENT;
    }
    if (near == NULL) {
        return psv_error_set(reterr, PSV_EINVAL, "unknown environment variable %s; see \"phpsrv --help\"",
                             quoted);
    }
    return psv_error_set(reterr, PSV_EINVAL, "unknown environment variable %s; did you mean \"%s\"?", quoted,
                         near);
}

static int apply_environment(struct psv_config_loaded *loaded, char **environ, struct psv_error *reterr)
{
    for (; environ != NULL && *environ != NULL; environ++) {
        struct psv_bytes entry = psv_bytes_of(*environ);
        if (!psv_bytes_starts_with(entry, PSV_BYTES(ENVIRONMENT_PREFIX))) {
            continue;
        }
        struct psv_bytes name = psv_bytes_first(entry, psv_bytes_find(entry, '='));
        struct psv_bytes value = psv_bytes_from(entry, name.len + 1);
        if (is_foreign(name)) {
            continue;
        }
        const struct psv_option *option = psv_option_find_environment(name);
        if (option == NULL) {
            return refuse_variable(name, reterr);
        }
        /* Empty means not set: that is what ${VARIABLE:-} in a container's description leaves. */
        int result = 0;
        if (option->type == PSV_OPTION_LIST) {
            result = apply_lines(loaded, option, value, reterr);
        } else if (value.len > 0) {
            result = set(loaded, option, option->environment, value, PSV_CONFIG_ORIGIN_ENVIRONMENT, reterr);
        }
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

const char *psv_config_find_variable(char *const *environ, const char *name)
{
    size_t len = strlen(name);
    for (; environ != NULL && *environ != NULL; environ++) {
        if (strncmp(*environ, name, len) == 0 && (*environ)[len] == '=') {
            return *environ + len + 1;
        }
    }
    return NULL;
}

/* ---- all together */

static int apply_sources(struct psv_config_loaded *loaded, const struct psv_command_line *command_line,
                         char **environ, struct psv_error *reterr)
{
    const char *path = command_line->config_file;
    const char *where = "--config";
    if (path == NULL) {
        path = psv_config_find_variable(environ, PSV_CONFIG_FILE_ENVIRONMENT);
        where = PSV_CONFIG_FILE_ENVIRONMENT;
    }
    struct psv_buffer text;
    psv_buffer_init(&text, FILE_BYTES_MAX);
    int result = path != NULL && path[0] != '\0' ? apply_file(loaded, path, where, &text, reterr) : 0;
    if (result == 0) {
        result = apply_environment(loaded, environ, reterr);
    }
    for (size_t i = 0; i < command_line->settings_len && result == 0; i++) {
        const struct psv_setting *setting = &command_line->settings[i];
        result = set(loaded, setting->option, setting->where, setting->value, PSV_CONFIG_ORIGIN_COMMAND_LINE,
                     reterr);
    }
    if (result == 0 && loaded->config.dev.enabled) {
        result = psv_config_apply_dev(loaded, reterr);
    }
    if (result == 0) {
        result = psv_config_apply_standard(loaded, environ, reterr);
    }
    if (result == 0) {
        result = psv_config_apply_scopes(loaded, psv_buffer_bytes(&text), loaded->file, reterr);
    }
    if (result == 0) {
        result = psv_config_apply_workers(loaded, psv_buffer_bytes(&text), loaded->file, reterr);
    }
    psv_buffer_fini(&text);
    return result;
}

static bool needs_values(enum psv_config_action action)
{
    return action == PSV_CONFIG_ACTION_RUN || action == PSV_CONFIG_ACTION_SCRIPT ||
           action == PSV_CONFIG_ACTION_ROUTE || action == PSV_CONFIG_ACTION_HEALTH ||
           action == PSV_CONFIG_ACTION_CHECK || action == PSV_CONFIG_ACTION_DUMP;
}

int psv_config_load(int argc, char **argv, char **environ, struct psv_config_loaded *ret,
                    struct psv_error *reterr)
{
    struct psv_config_loaded loaded = {.file = ""};
    struct psv_command_line command_line;
    psv_arena_init(&loaded.arena, ARENA_BYTES_MAX);
    int result = psv_command_line_parse(argc, argv, &loaded.arena, &command_line, reterr);
    if (result == 0) {
        loaded.action = command_line.action;
        loaded.operand_at = command_line.operand_at;
        loaded.shell = command_line.shell;
        result = apply_defaults(&loaded, reterr);
    }
    if (result == 0 && needs_values(loaded.action)) {
        result = apply_sources(&loaded, &command_line, environ, reterr);
    }
    if (result != 0) {
        psv_arena_fini(&loaded.arena);
        return result;
    }
    *ret = loaded;
    return 0;
}

void psv_config_loaded_fini(struct psv_config_loaded *loaded)
{
    psv_arena_fini(&loaded->arena);
    memset(loaded, 0, sizeof(*loaded));
}
