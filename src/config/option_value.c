/* Reading one option's value.  [boot].  Knows the table's types; knows nothing of files and command lines.
 *
 * SPDX-License-Identifier: MIT */
#include "option_value.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/text_parse.h"
#include "base/utf8.h"
#include "config.h"
#include "os/socket.h"

_Static_assert(sizeof(enum psv_config_log_level) == sizeof(unsigned), "enum options are stored as unsigned");

static void *field_of(const struct psv_option *option, const struct psv_option_target *target)
{
    return (char *)target->config + option->offset;
}

const char *psv_option_quote(char out[PSV_OPTION_QUOTE_BYTES], struct psv_bytes text)
{
    size_t len = 0;
    out[len++] = '"';
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (len > PSV_OPTION_QUOTE_BYTES - 10) {
            memcpy(out + len, "...", 3);
            len += 3;
            break;
        }
        if (c < 0x20 || c == 0x7f) {
            len += (size_t)snprintf(out + len, 5, "\\x%02x", c);
        } else {
            out[len++] = (char)c;
        }
    }
    out[len++] = '"';
    out[len] = '\0';
    return out;
}

/* ---- what would have been right */

static void describe_range(const struct psv_option *option, char *out, size_t out_size)
{
    char low[32];
    char high[32];
    if (option->type == PSV_OPTION_SIZE) {
        low[psv_format_size(low, sizeof(low) - 1, option->min)] = '\0';
        high[psv_format_size(high, sizeof(high) - 1, option->max)] = '\0';
        (void)snprintf(out, out_size, "a size from %s to %s (such as 64K or 16M)", low, high);
    } else if (option->type == PSV_OPTION_DURATION) {
        low[psv_format_duration(low, sizeof(low) - 1, option->min)] = '\0';
        high[psv_format_duration(high, sizeof(high) - 1, option->max)] = '\0';
        (void)snprintf(out, out_size, "a duration from %s to %s (such as 500ms, 30s or 5m)", low, high);
    } else {
        (void)snprintf(out, out_size, "a whole number from %" PRIu64 " to %" PRIu64, option->min,
                       option->max);
    }
}

static void describe_choices(const struct psv_option *option, char *out, size_t out_size)
{
    size_t len = (size_t)snprintf(out, out_size, "one of: ");
    for (size_t i = 0; option->choices[i] != NULL && len < out_size; i++) {
        len += (size_t)snprintf(out + len, out_size - len, "%s%s", i == 0 ? "" : ", ", option->choices[i]);
    }
}

void psv_option_describe(const struct psv_option *option, char out[PSV_OPTION_EXPECTED_BYTES])
{
    const size_t out_size = PSV_OPTION_EXPECTED_BYTES;
    if (option->choices != NULL) {
        describe_choices(option, out, out_size);
        return;
    }
    switch (option->type) {
    case PSV_OPTION_BOOL:
        (void)snprintf(out, out_size, "one of: true, false");
        return;
    case PSV_OPTION_INTEGER:
    case PSV_OPTION_SIZE:
    case PSV_OPTION_DURATION:
        describe_range(option, out, out_size);
        return;
    case PSV_OPTION_ADDRESS:
        (void)snprintf(out, out_size, "an address (such as 127.0.0.1:8080, [::1]:8080 or :8080)");
        return;
    case PSV_OPTION_TEXT:
    case PSV_OPTION_PATH:
    case PSV_OPTION_LIST:
        (void)snprintf(out, out_size,
                       "a UTF-8 text of %" PRIu64 " to %" PRIu64 " bytes without control characters",
                       option->min, option->max);
        return;
    case PSV_OPTION_ENUM:
        break;
    }
    UNREACHABLE("an enum option without choices");
}

static const char *nearest_choice(const struct psv_option *option, struct psv_bytes text)
{
    const char *found = NULL;
    unsigned best = UINT_MAX;
    for (size_t i = 0; option->choices != NULL && option->choices[i] != NULL; i++) {
        if (psv_option_is_near(text, psv_bytes_of(option->choices[i]), &best)) {
            found = option->choices[i];
        }
    }
    return found;
}

int psv_option_refuse(const struct psv_option *option, const struct psv_option_target *target,
                      const char *what)
{
    char expected[PSV_OPTION_EXPECTED_BYTES];
    psv_option_describe(option, expected);
    const char *list = option->type == PSV_OPTION_LIST ? "a list of which each item is " : "";
    return psv_error_set(target->reterr, PSV_EINVAL, "%s: %s is not %s%s", target->where, what, list,
                         expected);
}

static int refuse_text(const struct psv_option *option, const struct psv_option_target *target,
                       struct psv_bytes text)
{
    char quoted[PSV_OPTION_QUOTE_BYTES];
    char expected[PSV_OPTION_EXPECTED_BYTES];
    psv_option_quote(quoted, text);
    psv_option_describe(option, expected);
    const char *near = nearest_choice(option, text);
    return psv_error_set(target->reterr, PSV_EINVAL, "%s: %s is not %s%s%s%s", target->where, quoted,
                         expected, near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                         near != NULL ? "\"?" : "");
}

/* ---- numbers */

static int set_number(const struct psv_option *option, const struct psv_option_target *target, uint64_t value)
{
    if (value < option->min || value > option->max) {
        return PSV_ERANGE;
    }
    memcpy(field_of(option, target), &value, sizeof(value));
    return 0;
}

/* A number without a unit counts in the option's own unit, which its name ends in. */
static int parse_number(const struct psv_option *option, struct psv_bytes text, uint64_t *ret_value)
{
    int result = psv_parse_u64(text, ret_value);
    if (result == PSV_ESYNTAX && option->type == PSV_OPTION_SIZE) {
        return psv_parse_size(text, ret_value);
    }
    if (result == PSV_ESYNTAX && option->type == PSV_OPTION_DURATION) {
        return psv_parse_duration(text, ret_value);
    }
    return result;
}

/* ---- texts */

/* UTF-8 without ASCII control characters. */
static bool is_clean_text(struct psv_bytes text)
{
    while (text.len > 0) {
        uint32_t code = 0;
        size_t len = psv_utf8_decode(text, &code);
        if (len == 0 || code < 0x20 || code == 0x7f) {
            return false;
        }
        text = psv_bytes_from(text, len);
    }
    return true;
}

static bool is_right_text(const struct psv_option *option, struct psv_bytes text)
{
    if (text.len < option->min || text.len > option->max || !is_clean_text(text)) {
        return false;
    }
    if (option->type == PSV_OPTION_ADDRESS && text.len > 0) {
        struct psv_socket_address address;
        struct psv_bytes part;
        bool is_right = true;
        while (is_right && psv_socket_next_address(&text, &part)) {
            is_right = psv_socket_parse_address(part, &address, NULL) == 0;
        }
        return is_right;
    }
    if (option->choices == NULL) {
        return true;
    }
    for (size_t i = 0; option->choices[i] != NULL; i++) {
        if (psv_bytes_equal(text, psv_bytes_of(option->choices[i]))) {
            return true;
        }
    }
    return false;
}

static int copy_text(const struct psv_option_target *target, struct psv_bytes text, const char **ret_copy)
{
    if (text.len == 0) {
        *ret_copy = "";
        return 0;
    }
    struct psv_bytes copy = psv_arena_copy(target->arena, text);
    if (copy.data == NULL) {
        return psv_error_set(target->reterr, PSV_ENOMEM, "%s: out of memory", target->where);
    }
    *ret_copy = copy.data;
    return 0;
}

static int set_string(const struct psv_option *option, const struct psv_option_target *target,
                      struct psv_bytes text)
{
    if (!is_right_text(option, text)) {
        return refuse_text(option, target, text);
    }
    const char *copy = NULL;
    int result = copy_text(target, text, &copy);
    if (result == 0) {
        memcpy(field_of(option, target), &copy, sizeof(copy));
    }
    return result;
}

static int append_item(const struct psv_option *option, const struct psv_option_target *target,
                       struct psv_bytes text)
{
    if (!is_right_text(option, text)) {
        return refuse_text(option, target, text);
    }
    struct psv_config_list *list = field_of(option, target);
    if (list->len >= PSV_OPTION_LIST_MAX) {
        return psv_error_set(target->reterr, PSV_EINVAL, "%s: more than %d values", target->where,
                             PSV_OPTION_LIST_MAX);
    }
    const char *copy = NULL;
    int result = copy_text(target, text, &copy);
    if (result != 0) {
        return result;
    }
    const char **items = psv_arena_alloc(target->arena, (list->len + 1) * sizeof(*items));
    if (items == NULL) {
        return psv_error_set(target->reterr, PSV_ENOMEM, "%s: out of memory", target->where);
    }
    if (list->len > 0) {
        memcpy(items, list->items, list->len * sizeof(*items));
    }
    items[list->len] = copy;
    list->items = items;
    list->len++;
    return 0;
}

static int set_choice(const struct psv_option *option, const struct psv_option_target *target,
                      struct psv_bytes text)
{
    for (unsigned i = 0; option->choices[i] != NULL; i++) {
        if (psv_bytes_equal(text, psv_bytes_of(option->choices[i]))) {
            memcpy(field_of(option, target), &i, sizeof(i));
            return 0;
        }
    }
    return refuse_text(option, target, text);
}

/* ---- entries */

int psv_option_set_text(const struct psv_option *option, const struct psv_option_target *target,
                        struct psv_bytes text)
{
    uint64_t number;
    bool flag;
    switch (option->type) {
    case PSV_OPTION_BOOL:
        if (psv_parse_bool(text, &flag) != 0) {
            return refuse_text(option, target, text);
        }
        return psv_option_set_toml_bool(option, target, flag);
    case PSV_OPTION_INTEGER:
    case PSV_OPTION_SIZE:
    case PSV_OPTION_DURATION:
        if (parse_number(option, text, &number) != 0 || set_number(option, target, number) != 0) {
            return refuse_text(option, target, text);
        }
        return 0;
    case PSV_OPTION_TEXT:
    case PSV_OPTION_PATH:
    case PSV_OPTION_ADDRESS:
        return set_string(option, target, text);
    case PSV_OPTION_ENUM:
        return set_choice(option, target, text);
    case PSV_OPTION_LIST:
        return append_item(option, target, text);
    }
    UNREACHABLE("no such type");
}

int psv_option_set_toml_text(const struct psv_option *option, const struct psv_option_target *target,
                             struct psv_bytes text)
{
    if (option->type == PSV_OPTION_BOOL || option->type == PSV_OPTION_INTEGER) {
        char quoted[PSV_OPTION_QUOTE_BYTES];
        char what[PSV_OPTION_QUOTE_BYTES + 16];
        (void)snprintf(what, sizeof(what), "the text %s", psv_option_quote(quoted, text));
        return psv_option_refuse(option, target, what);
    }
    return psv_option_set_text(option, target, text);
}

int psv_option_set_toml_integer(const struct psv_option *option, const struct psv_option_target *target,
                                int64_t value)
{
    bool is_number = option->type == PSV_OPTION_INTEGER || option->type == PSV_OPTION_SIZE ||
                     option->type == PSV_OPTION_DURATION;
    if (is_number && value >= 0 && set_number(option, target, (uint64_t)value) == 0) {
        return 0;
    }
    char what[48];
    (void)snprintf(what, sizeof(what), "%s%" PRId64, is_number ? "" : "the number ", value);
    return psv_option_refuse(option, target, what);
}

int psv_option_set_toml_bool(const struct psv_option *option, const struct psv_option_target *target,
                             bool value)
{
    if (option->type != PSV_OPTION_BOOL) {
        return psv_option_refuse(option, target, value ? "true" : "false");
    }
    memcpy(field_of(option, target), &value, sizeof(value));
    return 0;
}
