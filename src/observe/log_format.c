/* Log lines as text and as JSON.  Any thread; pure.  Whatever a peer or a script puts into a field, the line
 * stays one line: control bytes, text direction marks and bytes that are not UTF-8 are escaped.
 *
 * SPDX-License-Identifier: MIT */
#include "log_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/utf8.h"
#include "decimal.h"
#include "time_text.h"

/* Room kept for what closes a line: a quote, the truncation mark, "}" and the newline. */
#define TAIL_BYTES 32
/* Of events, for people. */
#define NAME_COLUMNS 24

/* A bounded text.  put() is all or nothing, and once something did not fit nothing more is taken: no gaps in
 * a line. */
struct line {
    char *out;
    size_t len;
    size_t room; /* without the tail */
    bool is_truncated;
};

static bool put(struct line *line, const char *text, size_t len)
{
    if (line->is_truncated || line->len + len > line->room) {
        line->is_truncated = true;
        return false;
    }
    memcpy(line->out + line->len, text, len);
    line->len += len;
    return true;
}

static bool put_text(struct line *line, const char *text)
{
    return put(line, text, strlen(text));
}

/* From the tail: always fits, for at most one quote is closed past the room. */
static void close_with(struct line *line, const char *text)
{
    size_t len = strlen(text);
    memcpy(line->out + line->len, text, len);
    line->len += len;
}

/* C0, DEL, C1, line and paragraph separators, marks that change the direction of text on a terminal. */
static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* One character between double quotes; the escapes are those of JSON.  A stray byte is shown as \xHH; in
 * JSON, which has no such escape, the backslash itself is escaped, so that the reader sees the same text. */
static bool put_character(struct line *line, const char *data, size_t len, uint32_t code, bool is_json)
{
    char escaped[8];
    if (len == 0) {
        int written =
            snprintf(escaped, sizeof(escaped), is_json ? "\\\\x%02x" : "\\x%02x", (unsigned char)*data);
        return put(line, escaped, (size_t)written);
    }
    switch (code) {
    case '"':
        return put_text(line, "\\\"");
    case '\\':
        return put_text(line, "\\\\");
    case '\n':
        return put_text(line, "\\n");
    case '\r':
        return put_text(line, "\\r");
    case '\t':
        return put_text(line, "\\t");
    default:
        if (!is_control(code)) {
            return put(line, data, len);
        }
        (void)snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned)code & 0xffffu);
        return put_text(line, escaped);
    }
}

static void put_escaped(struct line *line, struct psv_bytes text, bool is_json)
{
    for (size_t i = 0; i < text.len;) {
        uint32_t code = 0;
        size_t len = psv_utf8_decode(psv_bytes_from(text, i), &code);
        if (!put_character(line, text.data + i, len, code, is_json)) {
            return;
        }
        i += len > 0 ? len : 1;
    }
}

/* Text that needs no quotes in the text format. */
static bool is_plain(struct psv_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\') {
            return false;
        }
    }
    return text.len > 0;
}

/* Number or truth value as text; the same in both formats but for what JSON has no number for. */
static void format_scalar(char out[PSV_DECIMAL_BYTES], const struct psv_log_field *field, bool is_json)
{
    switch (field->kind) {
    case PSV_LOG_KIND_U64:
        (void)snprintf(out, PSV_DECIMAL_BYTES, "%" PRIu64, field->value.u64);
        return;
    case PSV_LOG_KIND_I64:
        (void)snprintf(out, PSV_DECIMAL_BYTES, "%" PRId64, field->value.i64);
        return;
    case PSV_LOG_KIND_SECONDS:
        (void)psv_decimal_format(out, field->value.seconds, 6);
        if (is_json && (strchr(out, 'N') != NULL || strchr(out, 'I') != NULL)) {
            (void)snprintf(out, PSV_DECIMAL_BYTES, "null");
        }
        return;
    case PSV_LOG_KIND_BOOL:
        (void)snprintf(out, PSV_DECIMAL_BYTES, "%s", field->value.flag ? "true" : "false");
        return;
    case PSV_LOG_KIND_BYTES:
        break;
    }
    UNREACHABLE("a log field of a kind that does not exist");
}

/* before + key + after: all or nothing, so that no key stands without its value's beginning. */
static bool put_key(struct line *line, const char *before, const char *key, const char *after,
                    const char *value)
{
    size_t needed = strlen(before) + strlen(key) + strlen(after) + strlen(value);
    if (line->is_truncated || line->len + needed > line->room) {
        line->is_truncated = true;
        return false;
    }
    return put_text(line, before) && put_text(line, key) && put_text(line, after) && put_text(line, value);
}

static void put_text_field(struct line *line, const struct psv_log_field *field)
{
    if (field->kind != PSV_LOG_KIND_BYTES) {
        char value[PSV_DECIMAL_BYTES];
        format_scalar(value, field, false);
        (void)put_key(line, " ", field->key, "=", value);
        return;
    }
    bool is_quoted = !is_plain(field->value.bytes);
    if (put_key(line, " ", field->key, "=", is_quoted ? "\"" : "")) {
        put_escaped(line, field->value.bytes, false);
        close_with(line, is_quoted ? "\"" : "");
    }
}

static void put_json_field(struct line *line, const struct psv_log_field *field)
{
    if (field->kind != PSV_LOG_KIND_BYTES) {
        char value[PSV_DECIMAL_BYTES];
        format_scalar(value, field, true);
        (void)put_key(line, ",\"", field->key, "\":", value);
    } else if (put_key(line, ",\"", field->key, "\":", "\"")) {
        put_escaped(line, field->value.bytes, true);
        close_with(line, "\"");
    }
}

static const char *const level_names[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};
static const char *const level_colours[] = {"\033[90m", "\033[32m", "\033[33m", "\033[31m"};
#define X(id, text) text,
static const char *const level_texts[] = {PSV_LOG_LEVEL_TABLE(X)};
#undef X

/* For people: the time without the date, events in one column, keys in the background. */
static void put_coloured(struct line *line, const char *time, const struct psv_log_event *event)
{
    static const char blanks[] = "                              ";
    size_t name_len = strlen(event->name);
    (void)put_text(line, "\033[2m");
    (void)put(line, time + 11, 12); /* "12:00:00.123" */
    (void)put_text(line, "\033[0m ");
    (void)put_text(line, level_colours[event->level]);
    (void)put_text(line, level_names[event->level]);
    (void)put_text(line, "\033[0m ");
    (void)put_text(line, event->name);
    (void)put_text(line, event->fields_len > 0 && name_len < NAME_COLUMNS
                             ? blanks + sizeof(blanks) - 1 - (NAME_COLUMNS - name_len)
                             : "");
}

/* All of it or nothing, so that the terminal is left as it was. */
static void put_dimmed_field(struct line *line, const struct psv_log_field *field)
{
    if (line->is_truncated || line->len + sizeof("\033[2m") + sizeof("\033[0m") > line->room) {
        line->is_truncated = true;
        return;
    }
    bool is_text_for_people = strcmp(field->key, "message") == 0 || strcmp(field->key, "url") == 0 ||
                              strcmp(field->key, "reason") == 0;
    (void)put_text(line, is_text_for_people ? "" : "\033[2m");
    put_text_field(line, field);
    close_with(line, is_text_for_people ? "" : "\033[0m");
}

size_t psv_log_format_text(char *out, size_t room, const struct psv_log_event *event, bool has_colour)
{
    INVARIANT(room >= PSV_LOG_ROOM_MIN && event->level < PSV_LOG_LEVEL_COUNT);
    struct line line = {.out = out, .room = room - TAIL_BYTES};
    char time[PSV_TIME_TEXT_LEN];
    psv_time_format(time, event->unix_us);
    if (has_colour) {
        put_coloured(&line, time, event);
    } else {
        (void)put(&line, time, sizeof(time));
        (void)put_text(&line, " ");
        (void)put_text(&line, level_names[event->level]);
        (void)put_text(&line, " ");
        (void)put_text(&line, event->name);
    }
    for (size_t i = 0; i < event->fields_len; i++) {
        if (event->fields[i].key == NULL) {
            continue;
        }
        if (has_colour) {
            put_dimmed_field(&line, &event->fields[i]);
        } else {
            put_text_field(&line, &event->fields[i]);
        }
    }
    close_with(&line, line.is_truncated ? " truncated=true\n" : "\n");
    return line.len;
}

size_t psv_log_format_json(char *out, size_t room, const struct psv_log_event *event)
{
    INVARIANT(room >= PSV_LOG_ROOM_MIN && event->level < PSV_LOG_LEVEL_COUNT);
    struct line line = {.out = out, .room = room - TAIL_BYTES};
    char time[PSV_TIME_TEXT_LEN];
    psv_time_format(time, event->unix_us);
    (void)put_text(&line, "{\"ts\":\"");
    (void)put(&line, time, sizeof(time));
    (void)put_text(&line, "\",\"level\":\"");
    (void)put_text(&line, level_texts[event->level]);
    (void)put_text(&line, "\",\"event\":\"");
    put_escaped(&line, psv_bytes_of(event->name), true);
    close_with(&line, "\"");
    for (size_t i = 0; i < event->fields_len; i++) {
        if (event->fields[i].key != NULL) {
            put_json_field(&line, &event->fields[i]);
        }
    }
    close_with(&line, line.is_truncated ? ",\"truncated\":true}\n" : "}\n");
    return line.len;
}

/* The field of this name that holds text, or NULL. */
static const struct psv_log_field *find_text(const struct psv_log_event *event, const char *key)
{
    for (size_t i = 0; i < event->fields_len; i++) {
        const struct psv_log_field *field = &event->fields[i];
        if (field->key != NULL && field->kind == PSV_LOG_KIND_BYTES && strcmp(field->key, key) == 0) {
            return field;
        }
    }
    return NULL;
}

size_t psv_log_format_caddy(char *out, size_t room, const struct psv_log_event *event)
{
    INVARIANT(room >= PSV_LOG_ROOM_MIN && event->level < PSV_LOG_LEVEL_COUNT);
    struct line line = {.out = out, .room = room - TAIL_BYTES};
    char time[PSV_DECIMAL_BYTES];
    const struct psv_log_field *message = find_text(event, "message");
    const struct psv_log_field *reason = message == NULL ? find_text(event, "reason") : NULL;
    (void)snprintf(time, sizeof(time), "%" PRIu64 ".%06u", event->unix_us / 1000000u,
                   (unsigned)(event->unix_us % 1000000u));
    (void)put_text(&line, "{\"level\":\"");
    (void)put_text(&line, level_texts[event->level]);
    (void)put_text(&line, "\",\"ts\":");
    (void)put_text(&line, time);
    (void)put_text(&line, ",\"logger\":\"phpsrv\",\"event\":\"");
    put_escaped(&line, psv_bytes_of(event->name), true);
    (void)put_text(&line, "\",\"msg\":\"");
    put_escaped(&line, message != NULL ? message->value.bytes : psv_bytes_of(event->name), true);
    if (reason != NULL && put_text(&line, ": ")) {
        put_escaped(&line, reason->value.bytes, true);
    }
    close_with(&line, "\"");
    for (size_t i = 0; i < event->fields_len; i++) {
        const struct psv_log_field *field = &event->fields[i];
        if (field->key != NULL && field != message && field != reason) {
            put_json_field(&line, field);
        }
    }
    close_with(&line, line.is_truncated ? ",\"truncated\":true}\n" : "}\n");
    return line.len;
}
