/* See access_log_short.h.
 *
 * SPDX-License-Identifier: MIT */
#include "access_log_short.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "exec/exchange.h"
#include "filter/access_variables.h"
#include "http/date.h"

#define METHOD_MAX 20
#define TARGET_MAX 700

struct line {
    char *out;
    size_t len;
};

static void put(struct line *line, const char *text)
{
    size_t len = MIN(strlen(text), PSV_ACCESS_LOG_SHORT_BYTES - line->len);
    memcpy(line->out + line->len, text, len);
    line->len += len;
}

static void put_colour(struct line *line, bool has_colour, const char *sequence)
{
    put(line, has_colour ? sequence : "");
}

static void put_escaped(struct line *line, struct psv_bytes text, size_t max)
{
    size_t end = line->len + max - 4;
    for (size_t i = 0; i < text.len; i++) {
        char piece[8];
        unsigned char c = (unsigned char)text.data[i];
        if (line->len >= end) {
            put(line, "...");
            return;
        }
        (void)snprintf(piece, sizeof(piece), c > 0x20 && c < 0x7f ? "%c" : "\\x%02x", c);
        put(line, piece);
    }
}

static const char *colour_of(unsigned status)
{
    static const char *const colours[] = {"", "\033[36m", "\033[32m", "\033[36m", "\033[33m", "\033[31m"};
    return status / 100 < ARRAY_SIZE(colours) ? colours[status / 100] : "";
}

size_t psv_access_log_short(const struct psv_exchange *exchange, uint64_t now_ns, bool is_aborted,
                            bool has_colour, char out[PSV_ACCESS_LOG_SHORT_BYTES])
{
    const struct psv_request *request = &exchange->request;
    struct line line = {.out = out};
    char text[PSV_DATE_ISO_LEN + 1];
    unsigned status = psv_access_status(exchange, is_aborted);
    uint64_t us = now_ns > exchange->received_ns ? (now_ns - exchange->received_ns) / 1000 : 0;

    if (psv_bytes_starts_with(request->path, PSV_BYTES("/.phpsrv/")) && status / 100 == 2) {
        return 0;
    }
    psv_date_format_iso(text, (int64_t)(exchange->received_unix_us / 1000));
    text[PSV_DATE_ISO_LEN] = '\0';
    if (has_colour) {
        put(&line, "\033[2m");
        text[PSV_DATE_ISO_LEN - 1] = '\0';
        put(&line, text + 11);
        put(&line, "\033[0m ");
    } else {
        put(&line, text);
        put(&line, " ");
    }
    put_escaped(&line, request->method_text.len > 0 ? request->method_text : PSV_BYTES("-"), METHOD_MAX);
    put(&line, request->method_text.len < 5 ? &"     "[request->method_text.len] : "");
    put(&line, " ");
    put_colour(&line, has_colour, colour_of(status));
    (void)snprintf(text, sizeof(text), "%03u", status);
    put(&line, text);
    put_colour(&line, has_colour, "\033[0m");
    put(&line, " ");
    put_escaped(&line, request->target.len > 0 ? request->target : PSV_BYTES("-"), TARGET_MAX);
    (void)snprintf(text, sizeof(text), " %u.%ums", (unsigned)MIN(us / 1000, (uint64_t)4000000000),
                   (unsigned)(us % 1000 / 100));
    put_colour(&line, has_colour, "\033[2m");
    put(&line, text);
    put_colour(&line, has_colour, "\033[0m");
    if (is_aborted && exchange->is_answered) {
        put(&line, " aborted");
    }
    return line.len;
}
