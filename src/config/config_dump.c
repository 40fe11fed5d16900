/* The effective configuration as TOML and as JSON.  Any thread; reads only.
 *
 * SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "config_origin.h"
#include "config_standard.h"
#include "config_workers.h"
#include "option_value.h"
#include "options.h"

void psv_config_origin_format(const struct psv_config_loaded *loaded, const struct psv_option *option,
                              char out[PSV_CONFIG_ORIGIN_BYTES])
{
    const struct psv_config_origin *origin = &loaded->origins[psv_option_index(option)];
    switch (origin->kind) {
    case PSV_CONFIG_ORIGIN_DEFAULT:
        (void)snprintf(out, PSV_CONFIG_ORIGIN_BYTES, "default");
        break;
    case PSV_CONFIG_ORIGIN_STANDARD:
        (void)snprintf(out, PSV_CONFIG_ORIGIN_BYTES, "%s", psv_config_standard_name(option));
        break;
    case PSV_CONFIG_ORIGIN_DEV:
        (void)snprintf(out, PSV_CONFIG_ORIGIN_BYTES, "dev");
        break;
    case PSV_CONFIG_ORIGIN_FILE:
        (void)snprintf(out, PSV_CONFIG_ORIGIN_BYTES, "%.200s:%u", loaded->file, origin->line);
        break;
    case PSV_CONFIG_ORIGIN_ENVIRONMENT:
        (void)snprintf(out, PSV_CONFIG_ORIGIN_BYTES, "%s", option->environment);
        break;
    case PSV_CONFIG_ORIGIN_COMMAND_LINE:
        (void)snprintf(out, PSV_CONFIG_ORIGIN_BYTES, "--%s", option->command_line);
        break;
    }
    for (char *c = out; *c != '\0'; c++) {
        /* A path may hold any byte; a TOML comment may not. */
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f) {
            *c = '?';
        }
    }
}

/* A secret that is not set, wherever that is said, can be shown: a dump that is loaded again is the same. */
static bool is_empty(const struct psv_config_loaded *loaded, const struct psv_option *option)
{
    const void *field = (const char *)&loaded->config + option->offset;

    if (option->type == PSV_OPTION_LIST) {
        return ((const struct psv_config_list *)field)->len == 0;
    }
    return loaded->origins[psv_option_index(option)].kind == PSV_CONFIG_ORIGIN_DEFAULT;
}

/* One value under a name, with its origin. */
static int dump_option(const struct psv_config_loaded *loaded, const struct psv_option *option,
                       const char *name, struct psv_buffer *out)
{
    char origin[PSV_CONFIG_ORIGIN_BYTES];
    psv_config_origin_format(loaded, option, origin);
    if (option->is_secret && !is_empty(loaded, option)) {
        return psv_buffer_printf(out, "# %s is set and not shown  # %s\n", name, origin);
    }
    int result = psv_buffer_printf(out, "%s = ", name);
    if (result == 0) {
        result = psv_option_format_toml(option, &loaded->config, out);
    }
    return result != 0 ? result : psv_buffer_printf(out, "  # %s\n", origin);
}

/* A scope as if it were the configuration. */
static void view_scope(const struct psv_config_loaded *loaded, const struct psv_config_scope *scope,
                       struct psv_config_loaded *ret)
{
    *ret = (struct psv_config_loaded){.config = scope->config, .file = loaded->file};
    memcpy(ret->origins, scope->origins, sizeof(ret->origins));
}

static int dump_scope(const struct psv_config_loaded *loaded, const struct psv_config_scope *scope,
                      struct psv_buffer *out)
{
    bool is_prefix = scope->prefix[0] != '\0';
    struct psv_config_loaded view;
    view_scope(loaded, scope, &view);
    int result = psv_buffer_printf(out, "\n[[%s%s]]\n", is_prefix && scope->around == 0 ? "" : "sites",
                                   !is_prefix           ? ""
                                   : scope->around == 0 ? "prefixes"
                                                        : ".prefixes");
    if (result == 0 && is_prefix) {
        result = psv_buffer_printf(out, "prefix = ");
        if (result == 0) {
            result = psv_option_append_quoted(out, psv_bytes_of(scope->prefix));
        }
        if (result == 0) {
            result = psv_buffer_append_byte(out, '\n');
        }
    }
    for (size_t i = 0; i < psv_options_len && result == 0; i++) {
        if (scope->is_set[i]) {
            result = dump_option(&view, &psv_options[i], psv_options[i].path, out);
        }
    }
    return result;
}

/* The prefixes of the configuration or of a site; around as in a scope. */
static int dump_prefixes(const struct psv_config_loaded *loaded, size_t around, struct psv_buffer *out)
{
    int result = 0;
    for (size_t i = 0; i < loaded->scopes_len && result == 0; i++) {
        const struct psv_config_scope *scope = &loaded->scopes[i];
        if (scope->prefix[0] != '\0' && scope->around == around) {
            result = dump_scope(loaded, scope, out);
        }
    }
    return result;
}

static int dump_scopes(const struct psv_config_loaded *loaded, struct psv_buffer *out)
{
    int result = dump_prefixes(loaded, 0, out);
    for (size_t i = 0; i < loaded->scopes_len && result == 0; i++) {
        if (loaded->scopes[i].prefix[0] == '\0') {
            result = dump_scope(loaded, &loaded->scopes[i], out);
            if (result == 0) {
                result = dump_prefixes(loaded, i + 1, out);
            }
        }
    }
    return result;
}

/* A script of worker mode as if it were the configuration. */
static void view_worker(const struct psv_config_loaded *loaded, const struct psv_config_worker *worker,
                        struct psv_config_loaded *ret)
{
    *ret = (struct psv_config_loaded){.config.worker_mode = worker->mode, .file = loaded->file};
    for (size_t i = 0; i < psv_options_len; i++) {
        ret->origins[i] = (struct psv_config_origin){.kind = PSV_CONFIG_ORIGIN_FILE, .line = worker->line};
    }
}

static bool is_set_by(const struct psv_config_worker *worker, const struct psv_option *option)
{
    return psv_bytes_equal(psv_option_section(option), PSV_BYTES("worker_mode")) &&
           (worker->set & psv_config_worker_bit(option)) != 0;
}

static int dump_text(const char *name, const char *text, struct psv_buffer *out)
{
    int result = psv_buffer_printf(out, "%s = ", name);
    if (result == 0) {
        result = psv_option_append_quoted(out, psv_bytes_of(text));
    }
    return result != 0 ? result : psv_buffer_append_byte(out, '\n');
}

/* Those of --worker are in worker_mode.scripts. */
static int dump_worker(const struct psv_config_loaded *loaded, const struct psv_config_worker *worker,
                       struct psv_buffer *out)
{
    struct psv_config_loaded view;
    view_worker(loaded, worker, &view);
    int result = psv_buffer_printf(out, "\n[[worker]]\n");
    if (result == 0) {
        result = dump_text("script", worker->given, out);
    }
    if (result == 0 && worker->is_named) {
        result = dump_text("name", worker->name, out);
    }
    if (result == 0 && worker->site[0] != '\0') {
        result = dump_text("site", worker->site, out);
    }
    for (size_t i = 0; i < psv_options_len && result == 0; i++) {
        if (is_set_by(worker, &psv_options[i])) {
            result = dump_option(&view, &psv_options[i], psv_options[i].path + sizeof("worker_mode"), out);
        }
    }
    return result;
}

static int dump_workers(const struct psv_config_loaded *loaded, struct psv_buffer *out)
{
    int result = 0;
    for (size_t i = 0; i < loaded->workers_len && result == 0; i++) {
        if (loaded->workers[i].line > 0) {
            result = dump_worker(loaded, &loaded->workers[i], out);
        }
    }
    return result;
}

int psv_config_dump(const struct psv_config_loaded *loaded, struct psv_buffer *out)
{
    int result = 0;
    for (size_t first = 0; first < psv_options_len && result == 0; first++) {
        if (!psv_option_is_first_of_section(&psv_options[first])) {
            continue;
        }
        struct psv_bytes section = psv_option_section(&psv_options[first]);
        result = psv_buffer_printf(out, "%s[%.*s]\n", first == 0 ? "" : "\n", PSV_BYTES_ARG(section));
        for (size_t i = first; i < psv_options_len && result == 0; i++) {
            if (psv_bytes_equal(psv_option_section(&psv_options[i]), section)) {
                result = dump_option(loaded, &psv_options[i], psv_options[i].path + section.len + 1, out);
            }
        }
    }
    if (result == 0) {
        result = dump_scopes(loaded, out);
    }
    return result != 0 ? result : dump_workers(loaded, out);
}

static int format_json_option(const struct psv_config_loaded *loaded, const struct psv_option *option,
                              struct psv_buffer *out)
{
    char origin[PSV_CONFIG_ORIGIN_BYTES];
    psv_config_origin_format(loaded, option, origin);
    int result = psv_buffer_printf(out, "\"%s\":{\"value\":", option->path);
    if (result == 0) {
        result = option->is_secret ? psv_buffer_printf(out, "null")
                                   : psv_option_format_json(option, &loaded->config, out);
    }
    if (result == 0) {
        result = psv_buffer_printf(out, ",\"origin\":");
    }
    if (result == 0) {
        result = psv_option_append_quoted(out, psv_bytes_of(origin));
    }
    return result != 0
               ? result
               : psv_buffer_printf(out, ",\"reloadable\":%s}", option->needs_restart ? "false" : "true");
}

/* {"prefix": "/api", "around": 0, "site.hosts": {...}}: what the scope itself sets. */
static int format_json_scope(const struct psv_config_loaded *loaded, const struct psv_config_scope *scope,
                             struct psv_buffer *out)
{
    struct psv_config_loaded view;
    view_scope(loaded, scope, &view);
    int result = psv_buffer_printf(out, "{\"prefix\":");
    if (result == 0) {
        result = psv_option_append_quoted(out, psv_bytes_of(scope->prefix));
    }
    if (result == 0) {
        result = psv_buffer_printf(out, ",\"around\":%zu", scope->around);
    }
    for (size_t i = 0; i < psv_options_len && result == 0; i++) {
        if (scope->is_set[i]) {
            result = psv_buffer_append_byte(out, ',');
            if (result == 0) {
                result = format_json_option(&view, &psv_options[i], out);
            }
        }
    }
    return result != 0 ? result : psv_buffer_append_byte(out, '}');
}

static int format_json_text(const char *name, const char *text, struct psv_buffer *out)
{
    int result = psv_buffer_printf(out, "\"%s\":", name);
    return result != 0 ? result : psv_option_append_quoted(out, psv_bytes_of(text));
}

/* {"name": ..., "script": ..., "site": ..., "line": 0, "worker_mode.count": {...}}: what it sets itself; line
 * 0 is
 * --worker. */
static int format_json_worker(const struct psv_config_loaded *loaded, const struct psv_config_worker *worker,
                              struct psv_buffer *out)
{
    struct psv_config_loaded view;
    view_worker(loaded, worker, &view);
    int result = psv_buffer_append_byte(out, '{');
    if (result == 0) {
        result = format_json_text("name", worker->name, out);
    }
    if (result == 0) {
        result = psv_buffer_append_byte(out, ',');
    }
    if (result == 0) {
        result = format_json_text("script", worker->script, out);
    }
    if (result == 0) {
        result = psv_buffer_append_byte(out, ',');
    }
    if (result == 0) {
        result = format_json_text("site", worker->site, out);
    }
    if (result == 0) {
        result = psv_buffer_printf(out, ",\"line\":%u", worker->line);
    }
    for (size_t i = 0; i < psv_options_len && result == 0; i++) {
        if (is_set_by(worker, &psv_options[i])) {
            result = psv_buffer_append_byte(out, ',');
            if (result == 0) {
                result = format_json_option(&view, &psv_options[i], out);
            }
        }
    }
    return result != 0 ? result : psv_buffer_append_byte(out, '}');
}

static int format_json_workers(const struct psv_config_loaded *loaded, struct psv_buffer *out)
{
    int result = 0;
    for (size_t i = 0; i < loaded->workers_len && result == 0; i++) {
        result = psv_buffer_printf(out, "%s", i == 0 ? ",\"workers\":[" : ",");
        if (result == 0) {
            result = format_json_worker(loaded, &loaded->workers[i], out);
        }
    }
    return result == 0 && loaded->workers_len > 0 ? psv_buffer_append_byte(out, ']') : result;
}

int psv_config_format_json(const struct psv_config_loaded *loaded, struct psv_buffer *out)
{
    int result = psv_buffer_append_byte(out, '{');
    for (size_t i = 0; i < psv_options_len && result == 0; i++) {
        result = i == 0 ? 0 : psv_buffer_append_byte(out, ',');
        if (result == 0) {
            result = format_json_option(loaded, &psv_options[i], out);
        }
    }
    for (size_t i = 0; i < loaded->scopes_len && result == 0; i++) {
        result = psv_buffer_printf(out, "%s", i == 0 ? ",\"scopes\":[" : ",");
        if (result == 0) {
            result = format_json_scope(loaded, &loaded->scopes[i], out);
        }
    }
    if (result == 0 && loaded->scopes_len > 0) {
        result = psv_buffer_append_byte(out, ']');
    }
    if (result == 0) {
        result = format_json_workers(loaded, out);
    }
    return result != 0 ? result : psv_buffer_append(out, "}\n", 2);
}
