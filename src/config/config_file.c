/* Keys and values of a TOML file: how they are set, and how they are refused.  [boot].  Knows no C++.
 *
 * SPDX-License-Identifier: MIT */
#include "config_file.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/text_parse.h"
#include "option_value.h"
#include "toml_reader.h"

static const char *kind_text(enum psv_toml_kind kind)
{
    switch (kind) {
    case PSV_TOML_TABLE:
        return "a table";
    case PSV_TOML_BOOL:
        return "a truth value";
    case PSV_TOML_INTEGER:
        return "a whole number";
    case PSV_TOML_FLOAT:
        return "a number with a fraction";
    case PSV_TOML_TIME:
        return "a date or time";
    case PSV_TOML_TEXT:
        return "a text";
    case PSV_TOML_LIST:
        return "a list";
    }
    UNREACHABLE("no such kind");
}

static int refuse_key(const struct psv_config_file *file, struct psv_bytes path,
                      const struct psv_toml_value *value)
{
    char quoted[PSV_OPTION_QUOTE_BYTES];
    psv_option_quote(quoted, path);
    const char *near = psv_option_nearest_path(path);
    bool is_section = psv_option_has_section(path);
    const char *what = is_section ? "is a section and cannot be" : "unknown key";
    char sentence[PSV_OPTION_QUOTE_BYTES + 80];
    if (is_section) {
        (void)snprintf(sentence, sizeof(sentence), "%s %s %s", quoted, what, kind_text(value->kind));
    } else {
        (void)snprintf(sentence, sizeof(sentence), "%s %s", what, quoted);
    }
    if (near == NULL) {
        return psv_error_set(file->reterr, PSV_EINVAL,
                             "%s:%u:%u: %s; \"phpsrv --dump-config\" lists all keys", file->name,
                             value->key_line, value->key_column, sentence);
    }
    return psv_error_set(file->reterr, PSV_EINVAL, "%s:%u:%u: %s; did you mean \"%s\"?", file->name,
                         value->key_line, value->key_column, sentence, near);
}

/* A section that is unknown and empty; one with keys in it is refused with the first of them. */
static int check_section(const struct psv_config_file *file, struct psv_bytes path,
                         const struct psv_toml_value *value)
{
    if (value->len > 0 || psv_option_has_section(path)) {
        return 0;
    }
    char quoted[PSV_OPTION_QUOTE_BYTES];
    psv_option_quote(quoted, path);
    struct psv_bytes near = psv_option_nearest_section(path);
    if (near.len == 0) {
        return psv_error_set(file->reterr, PSV_EINVAL, "%s:%u:%u: unknown section %s", file->name,
                             value->key_line, value->key_column, quoted);
    }
    return psv_error_set(file->reterr, PSV_EINVAL, "%s:%u:%u: unknown section %s; did you mean \"%.*s\"?",
                         file->name, value->key_line, value->key_column, quoted, PSV_BYTES_ARG(near));
}

static int set_scalar(const struct psv_option *option, const struct psv_option_target *target,
                      const struct psv_toml_value *value)
{
    switch (value->kind) {
    case PSV_TOML_BOOL:
        return psv_option_set_toml_bool(option, target, value->flag);
    case PSV_TOML_INTEGER:
        return psv_option_set_toml_integer(option, target, value->integer);
    case PSV_TOML_TEXT:
        return psv_option_set_toml_text(option, target, value->text);
    case PSV_TOML_TABLE:
    case PSV_TOML_FLOAT:
    case PSV_TOML_TIME:
    case PSV_TOML_LIST:
        return psv_option_refuse(option, target, kind_text(value->kind));
    }
    UNREACHABLE("no such kind");
}

static int set_value(const struct psv_option *option, const struct psv_option_target *target,
                     const struct psv_toml_value *value)
{
    if (option->type != PSV_OPTION_LIST) {
        return set_scalar(option, target, value);
    }
    if (value->kind != PSV_TOML_LIST) {
        return psv_option_refuse(option, target, kind_text(value->kind));
    }
    for (size_t i = 0; i < value->len; i++) {
        const struct psv_toml_value *item = &value->items[i];
        if (item->kind != PSV_TOML_TEXT) {
            return psv_error_set(target->reterr, PSV_EINVAL, "%s: item %zu of the list is %s and not a text",
                                 target->where, i + 1, kind_text(item->kind));
        }
        int result = psv_option_set_toml_text(option, target, item->text);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

int psv_config_file_refuse(const struct psv_config_file *file, struct psv_bytes path,
                           const struct psv_toml_value *value)
{
    return value->kind == PSV_TOML_TABLE ? check_section(file, path, value) : refuse_key(file, path, value);
}

int psv_config_file_set_as(const struct psv_config_file *file, const struct psv_option *option,
                           struct psv_config *config, const struct psv_toml_value *value, const char *name)
{
    char where[320];
    (void)snprintf(where, sizeof(where), "%s:%u:%u: %s", file->name, value->line, value->column, name);
    struct psv_option_target target = {
        .config = config, .arena = &file->loaded->arena, .where = where, .reterr = file->reterr};
    return set_value(option, &target, value);
}

int psv_config_file_set(const struct psv_config_file *file, const struct psv_option *option,
                        struct psv_config *config, const struct psv_toml_value *value)
{
    return psv_config_file_set_as(file, option, config, value, option->path);
}

bool psv_config_file_take_table(struct psv_bytes *path, const char *word, bool *ret_is_list,
                                size_t *ret_index_plus_1)
{
    struct psv_bytes name = psv_bytes_of(word);
    uint64_t index;
    if (!psv_bytes_starts_with(*path, name)) {
        return false;
    }
    struct psv_bytes rest = psv_bytes_from(*path, name.len);
    if (rest.len == 0) {
        *ret_is_list = true;
        *path = rest;
        return true;
    }
    if (rest.data[0] == '.') {
        *ret_is_list = true; /* a table of that name, where a list of tables should be */
        *path = PSV_BYTES_EMPTY;
        return true;
    }
    size_t end = psv_bytes_find(rest, ']');
    if (rest.data[0] != '[' || end == rest.len ||
        psv_parse_u64((struct psv_bytes){rest.data + 1, end - 1}, &index) != 0) {
        return false;
    }
    *ret_index_plus_1 = (size_t)index + 1;
    rest = psv_bytes_from(rest, end + 1);
    *path = rest.len > 0 ? psv_bytes_from(rest, 1) : rest;
    return true;
}

bool psv_config_file_are_tables(const struct psv_toml_value *value)
{
    bool is_right = value->kind == PSV_TOML_LIST;
    for (size_t i = 0; is_right && i < value->len; i++) {
        is_right = value->items[i].kind == PSV_TOML_TABLE;
    }
    return is_right;
}
