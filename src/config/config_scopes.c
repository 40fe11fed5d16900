/* Reads scopes in two rounds over the same text: the sites first, then the prefixes, which inherit from them
 * (a site may go on behind its prefixes).  [boot]
 *
 * SPDX-License-Identifier: MIT */
#include "config_scopes.h"

#include <stdio.h>
#include <string.h>

#include "option_value.h"
#include "toml_reader.h"

#define SITES "sites"
#define PREFIXES "prefixes"
#define PREFIX_BYTES_MAX 512

/* "sites[1].prefixes[0].guard.rate" taken apart. */
struct place {
    size_t site;          /* index + 1; 0 = none */
    size_t prefix;        /* index + 1; 0 = none */
    bool is_list;         /* "sites" or "prefixes" themselves */
    struct psv_bytes key; /* behind all that; empty: the table of the scope */
};

struct reading {
    struct psv_config_file file;
    bool is_round_of_prefixes;
    struct psv_config_scope *prefix; /* that was begun last */
};

static bool find_place(struct psv_bytes path, struct place *ret)
{
    struct place place = {.site = 0};
    bool is_of_scope = psv_config_file_take_table(&path, SITES, &place.is_list, &place.site);
    if (!place.is_list && (!is_of_scope || path.len > 0)) {
        is_of_scope =
            psv_config_file_take_table(&path, PREFIXES, &place.is_list, &place.prefix) || is_of_scope;
    }
    place.key = path;
    *ret = place;
    return is_of_scope;
}

bool psv_config_is_of_scope(struct psv_bytes path)
{
    struct place place;
    return find_place(path, &place);
}

int psv_config_check_scopes(const struct psv_config_file *file, struct psv_bytes path,
                            const struct psv_toml_value *value)
{
    struct place place;
    if (!find_place(path, &place) || !place.is_list) {
        return 0;
    }
    const char *name = place.site > 0                                  ? SITES "." PREFIXES
                       : psv_bytes_starts_with(path, PSV_BYTES(SITES)) ? SITES
                                                                       : PREFIXES;
    if (!psv_config_file_are_tables(value)) {
        return psv_error_set(file->reterr, PSV_EINVAL,
                             "%s:%u:%u: \"%s\" is a list of tables, each under a line [[%s]]", file->name,
                             value->key_line, value->key_column, name, name);
    }
    file->loaded->scopes_len += value->len;
    if (file->loaded->scopes_len > PSV_CONFIG_SCOPES_MAX) {
        return psv_error_set(file->reterr, PSV_ELIMIT, "%s:%u: more than %d sites and prefixes", file->name,
                             value->line, PSV_CONFIG_SCOPES_MAX);
    }
    return 0;
}

/* ---- filling */

/* A scope with all that it inherits; hosts and name are each site's own. */
static struct psv_config_scope *begin_scope(struct psv_config_loaded *loaded, size_t around, unsigned line)
{
    const struct psv_config_scope *outer = around > 0 ? &loaded->scopes[around - 1] : NULL;
    struct psv_config_scope *scope = &loaded->scopes[loaded->scopes_len++];
    scope->prefix = "";
    scope->around = around;
    scope->line = line;
    scope->config = outer != NULL ? outer->config : loaded->config;
    memcpy(scope->origins, outer != NULL ? outer->origins : loaded->origins, sizeof(scope->origins));
    return scope;
}

static void begin_site(struct psv_config_loaded *loaded, unsigned line)
{
    struct psv_config_scope *scope = begin_scope(loaded, 0, line);
    scope->config.site.name = "";
    scope->config.site.hosts = (struct psv_config_list){.len = 0};
}

/* "/api/" as "/api". */
static int set_prefix(const struct psv_config_file *file, struct psv_config_scope *scope,
                      const struct psv_toml_value *value)
{
    struct psv_bytes text = value->kind == PSV_TOML_TEXT ? value->text : PSV_BYTES_EMPTY;
    while (text.len > 1 && text.data[text.len - 1] == '/') {
        text.len--;
    }
    bool is_right = text.len > 1 && text.len <= PREFIX_BYTES_MAX && text.data[0] == '/';
    for (size_t i = 0; is_right && i < text.len; i++) {
        is_right = (unsigned char)text.data[i] > ' ' && memchr("%?#\\\x7f", text.data[i], 5) == NULL &&
                   (text.data[i] != '/' || i + 1 == text.len ||
                    (text.data[i + 1] != '/' && text.data[i + 1] != '.'));
    }
    struct psv_bytes copy = is_right ? psv_arena_copy(&file->loaded->arena, text) : PSV_BYTES_EMPTY;
    if (!is_right || copy.data == NULL) {
        return psv_error_set(
            file->reterr, is_right ? PSV_ENOMEM : PSV_EINVAL,
            "%s:%u:%u: prefix is not a path such as \"/api\", decoded and without dot segments", file->name,
            value->line, value->column);
    }
    scope->prefix = copy.data;
    return 0;
}

/* "docroot" is site.docroot; all others have their section in front. */
static struct psv_bytes whole_key(struct psv_bytes key, char *out, size_t size)
{
    if (psv_bytes_find(key, '.') < key.len || psv_option_has_section(key) ||
        key.len + sizeof("site.") > size) {
        return key;
    }
    int len = snprintf(out, size, "site.%.*s", PSV_BYTES_ARG(key));
    return (struct psv_bytes){out, (size_t)len};
}

static int set_option(const struct psv_config_file *file, struct psv_config_scope *scope,
                      struct psv_bytes key, const struct psv_toml_value *value)
{
    char text[128];
    key = whole_key(key, text, sizeof(text));
    const struct psv_option *option = psv_option_find_path(key);
    if (option == NULL) {
        return psv_config_file_refuse(file, key, value);
    }
    if (!option->is_per_scope) {
        return psv_error_set(file->reterr, PSV_EINVAL,
                             "%s:%u:%u: %s is for the whole server, and cannot be set for a site or a prefix",
                             file->name, value->key_line, value->key_column, option->path);
    }
    if (option->type == PSV_OPTION_LIST) { /* it takes the place of the one around */
        struct psv_config_list *list = (void *)((char *)&scope->config + option->offset);
        *list = (struct psv_config_list){.len = 0};
    }
    size_t index = psv_option_index(option);
    int result = psv_config_file_set(file, option, &scope->config, value);
    if (result == 0) {
        scope->is_set[index] = true;
        scope->origins[index] =
            (struct psv_config_origin){.kind = PSV_CONFIG_ORIGIN_FILE, .line = value->line};
    }
    return result;
}

static int visit(struct psv_bytes path, const struct psv_toml_value *value, void *argument)
{
    struct reading *reading = argument;
    struct psv_config_loaded *loaded = reading->file.loaded;
    struct place place;
    if (!find_place(path, &place) || place.is_list || (place.prefix > 0) != reading->is_round_of_prefixes) {
        return 0;
    }
    if (place.prefix == 0) {
        if (place.key.len == 0) {
            begin_site(loaded, value->line);
            return 0;
        }
        return set_option(&reading->file, &loaded->scopes[place.site - 1], place.key, value);
    }
    if (place.key.len == 0) {
        reading->prefix = begin_scope(loaded, place.site, value->line);
        reading->prefix->prefix = NULL; /* it must say one */
        return 0;
    }
    if (psv_bytes_equal(place.key, PSV_BYTES("prefix"))) {
        return set_prefix(&reading->file, reading->prefix, value);
    }
    return set_option(&reading->file, reading->prefix, place.key, value);
}

int psv_config_apply_scopes(struct psv_config_loaded *loaded, struct psv_bytes text, const char *name,
                            struct psv_error *reterr)
{
    struct reading reading = {.file = {.loaded = loaded, .name = name, .reterr = reterr}};
    size_t len = loaded->scopes_len;
    if (len == 0) {
        return 0;
    }
    loaded->scopes = psv_arena_calloc(&loaded->arena, len * sizeof(*loaded->scopes));
    if (loaded->scopes == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "%s: no memory for %zu sites and prefixes", name, len);
    }
    loaded->scopes_len = 0;
    int result = psv_toml_read(text, name, visit, &reading, reterr);
    reading.is_round_of_prefixes = true;
    if (result == 0) {
        result = psv_toml_read(text, name, visit, &reading, reterr);
    }
    for (size_t i = 0; i < loaded->scopes_len && result == 0; i++) {
        if (loaded->scopes[i].prefix == NULL) {
            result = psv_error_set(reterr, PSV_EINVAL, "%s:%u: these [[prefixes]] have no prefix = \"/...\"",
                                   name, loaded->scopes[i].line);
        }
    }
    return result;
}

const struct psv_config *psv_config_of_scope(const struct psv_config_loaded *loaded, size_t number)
{
    return number > 0 ? &loaded->scopes[number - 1].config : &loaded->config;
}

size_t psv_config_site_of(const struct psv_config_loaded *loaded, size_t number)
{
    const struct psv_config_scope *scope = number > 0 ? &loaded->scopes[number - 1] : NULL;
    return scope != NULL && scope->prefix[0] != '\0' ? scope->around : number;
}

bool psv_config_scope_sets(const struct psv_config_scope *scope, const char *section)
{
    for (size_t i = 0; i < psv_options_len; i++) {
        if (scope->is_set[i] && psv_bytes_equal(psv_option_section(&psv_options[i]), psv_bytes_of(section))) {
            return true;
        }
    }
    return false;
}

/* ---- rules */

/* Labels of letters, digits, "-" and "_", at most "*" in place of the first: RFC 1123 2.1, and what is in
 * use. An address in brackets is a host as well. */
static bool is_host(struct psv_bytes text)
{
    if (text.len > 2 && text.data[0] == '[' && text.data[text.len - 1] == ']') {
        return psv_bytes_find(text, ':') < text.len;
    }
    if (psv_bytes_starts_with(text, PSV_BYTES("*."))) {
        text = psv_bytes_from(text, 2);
    }
    size_t label_len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                         c == '-' || c == '_';
        if (!is_letter && (c != '.' || label_len == 0)) {
            return false;
        }
        label_len = is_letter ? label_len + 1 : 0;
        if (label_len > 63) {
            return false;
        }
    }
    return label_len > 0;
}

static int check_hosts(const struct psv_config_loaded *loaded, size_t scope_index, struct psv_error *reterr)
{
    const struct psv_config_list *hosts =
        scope_index > 0 ? &loaded->scopes[scope_index - 1].config.site.hosts : &loaded->config.site.hosts;
    for (size_t i = 0; i < hosts->len; i++) {
        if (!is_host(psv_bytes_of(hosts->items[i]))) {
            return psv_error_set(
                reterr, PSV_EINVAL,
                "site.hosts: \"%s\" is no host such as example.org or *.example.org, without "
                "scheme and port",
                hosts->items[i]);
        }
        for (size_t other = 0; other <= scope_index; other++) {
            const struct psv_config_list *list =
                other > 0 ? &loaded->scopes[other - 1].config.site.hosts : &loaded->config.site.hosts;
            size_t len = other == scope_index ? i : list->len;
            for (size_t k = 0; k < len; k++) {
                if (psv_bytes_equal_case(psv_bytes_of(list->items[k]), psv_bytes_of(hosts->items[i]))) {
                    return psv_error_set(reterr, PSV_EINVAL, "site.hosts: \"%s\" is named twice",
                                         list->items[k]);
                }
            }
        }
    }
    return 0;
}

static int check_prefix(const struct psv_config_loaded *loaded, size_t index, struct psv_error *reterr)
{
    const struct psv_config_scope *scope = &loaded->scopes[index];
    for (size_t i = 0; i < index; i++) {
        const struct psv_config_scope *other = &loaded->scopes[i];
        if (other->around == scope->around && strcmp(other->prefix, scope->prefix) == 0) {
            return psv_error_set(reterr, PSV_EINVAL,
                                 "%s:%u: the prefix \"%s\" is there twice, also in line %u", loaded->file,
                                 scope->line, scope->prefix, other->line);
        }
    }
    return 0;
}

int psv_config_check_names(const struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    int result = check_hosts(loaded, 0, reterr);
    for (size_t i = 0; i < loaded->scopes_len && result == 0; i++) {
        const struct psv_config_scope *scope = &loaded->scopes[i];
        if (scope->prefix[0] != '\0') {
            result = check_prefix(loaded, i, reterr);
        } else if (scope->config.site.hosts.len == 0) {
            result = psv_error_set(reterr, PSV_EINVAL,
                                   "%s:%u: this site has no hosts, such as hosts = [\"example.org\"]",
                                   loaded->file, scope->line);
        } else {
            result = check_hosts(loaded, i + 1, reterr);
        }
    }
    return result;
}
