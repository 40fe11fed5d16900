/* Writing one option's value as TOML or JSON.  Any thread; pure.  Values are clean UTF-8: option_value.c lets
 * nothing else in.
 *
 * SPDX-License-Identifier: MIT */
#include "option_value.h"

#include <inttypes.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/text_parse.h"
#include "config.h"
#include "option_secrets.h"

int psv_option_append_quoted(struct psv_buffer *out, struct psv_bytes text)
{
    int result = psv_buffer_append_byte(out, '"');
    for (size_t i = 0; i < text.len && result == 0; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '"' || c == '\\') {
            char escaped[] = {'\\', (char)c};
            result = psv_buffer_append(out, escaped, sizeof(escaped));
        } else if (c < 0x20 || c == 0x7f) {
            result = psv_buffer_printf(out, "\\u%04x", c);
        } else {
            result = psv_buffer_append_byte(out, (char)c);
        }
    }
    return result != 0 ? result : psv_buffer_append_byte(out, '"');
}

static int append_number(const struct psv_option *option, struct psv_buffer *out, uint64_t value,
                         bool is_json)
{
    char text[32];
    if (is_json || option->type == PSV_OPTION_INTEGER) {
        return psv_buffer_printf(out, "%" PRIu64, value);
    }
    size_t len = option->type == PSV_OPTION_SIZE ? psv_format_size(text, sizeof(text), value)
                                                 : psv_format_duration(text, sizeof(text), value);
    return psv_option_append_quoted(out, (struct psv_bytes){text, len});
}

static int append_item(struct psv_buffer *out, struct psv_bytes item, bool has_secrets)
{
    size_t shown_len = has_secrets ? psv_option_shown_len(item) : item.len;

    if (shown_len == item.len) {
        return psv_option_append_quoted(out, item);
    }
    int result = psv_option_append_quoted(out, psv_bytes_first(item, shown_len));
    if (result == 0) {
        out->len--; /* the quote at the end */
        result = psv_buffer_printf(out, "(hidden)\"");
    }
    return result;
}

static int append_list(struct psv_buffer *out, const struct psv_config_list *list, bool has_secrets)
{
    int result = psv_buffer_append_byte(out, '[');
    for (size_t i = 0; i < list->len && result == 0; i++) {
        result = psv_buffer_printf(out, "%s", i == 0 ? "" : ", ");
        if (result == 0) {
            result = append_item(out, psv_bytes_of(list->items[i]), has_secrets);
        }
    }
    return result != 0 ? result : psv_buffer_append_byte(out, ']');
}

static int format(const struct psv_option *option, const struct psv_config *config, struct psv_buffer *out,
                  bool is_json)
{
    const void *field = (const char *)config + option->offset;
    uint64_t number;
    unsigned choice;
    bool flag;
    const char *text;
    switch (option->type) {
    case PSV_OPTION_BOOL:
        memcpy(&flag, field, sizeof(flag));
        return psv_buffer_printf(out, "%s", flag ? "true" : "false");
    case PSV_OPTION_INTEGER:
    case PSV_OPTION_SIZE:
    case PSV_OPTION_DURATION:
        memcpy(&number, field, sizeof(number));
        return append_number(option, out, number, is_json);
    case PSV_OPTION_TEXT:
    case PSV_OPTION_PATH:
    case PSV_OPTION_ADDRESS:
        memcpy(&text, field, sizeof(text));
        return psv_option_append_quoted(out, psv_bytes_of(text));
    case PSV_OPTION_ENUM:
        memcpy(&choice, field, sizeof(choice));
        return psv_option_append_quoted(out, psv_bytes_of(option->choices[choice]));
    case PSV_OPTION_LIST:
        return append_list(out, field, option->has_secrets);
    }
    UNREACHABLE("no such type");
}

int psv_option_format_toml(const struct psv_option *option, const struct psv_config *config,
                           struct psv_buffer *out)
{
    return format(option, config, out, false);
}

int psv_option_format_json(const struct psv_option *option, const struct psv_config *config,
                           struct psv_buffer *out)
{
    return format(option, config, out, true);
}
