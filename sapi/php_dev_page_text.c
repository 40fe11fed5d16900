/* The page as text and as JSON; see php_dev_page.h.
 *
 * SPDX-License-Identifier: MIT */
#include "php_dev_page.h"

#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/utf8.h"
#include "php_dev_report.h"
#include "php_dev_source.h"
#include "phpsrv/message.h"

#define LINES_AROUND 3u

bool psv_dev_is_secret_field(struct psv_bytes name)
{
    static const struct psv_bytes parts[] = {PSV_BYTES_INIT("auth"),   PSV_BYTES_INIT("cookie"),
                                             PSV_BYTES_INIT("token"),  PSV_BYTES_INIT("secret"),
                                             PSV_BYTES_INIT("key"),    PSV_BYTES_INIT("password"),
                                             PSV_BYTES_INIT("session")};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        for (size_t at = 0; at + parts[i].len <= name.len; at++) {
            if (psv_bytes_starts_with_case(psv_bytes_from(name, at), parts[i]))
                return true;
        }
    }
    return false;
}

/* ---- text */

/* Out is a terminal, perhaps: no escape sequence may reach it. */
static void put_plain(struct psv_buffer *out, struct psv_bytes text)
{
    for (size_t i = 0; i < text.len;) {
        uint32_t code = 0;
        size_t len = psv_utf8_decode(psv_bytes_from(text, i), &code);
        bool is_shown =
            len > 0 && (code >= 0x20 || code == '\n' || code == '\t') && (code < 0x7f || code > 0x9f);
        if (psv_buffer_append(out, is_shown ? text.data + i : "?", is_shown ? len : 1) != PSV_OK)
            return;
        i += len > 0 ? len : 1;
    }
}

static void say(struct psv_buffer *out, const char *text)
{
    (void)!psv_buffer_append(out, text, strlen(text));
}

static void put_failure(struct psv_buffer *out, const struct psv_dev_failure *failure)
{
    struct psv_buffer source;
    put_plain(out, failure->kind);
    say(out, ": ");
    put_plain(out, failure->text);
    say(out, "\n  at ");
    put_plain(out, failure->file);
    (void)!psv_buffer_printf(out, ":%u\n\n", failure->line);
    if (failure->line > 0 && psv_dev_read_source(failure->file, &source)) {
        unsigned first = failure->line > LINES_AROUND ? failure->line - LINES_AROUND : 1;
        (void)psv_dev_put_lines(out, psv_buffer_bytes(&source), first, failure->line + LINES_AROUND,
                                failure->line);
        say(out, "\n");
    }
    if (failure->line > 0)
        psv_buffer_fini(&source);
    for (unsigned i = 0; i < failure->frames_len; i++) {
        (void)!psv_buffer_printf(out, "  #%u ", i);
        put_plain(out, failure->frames[i].function);
        say(out, "\n     ");
        put_plain(out, failure->frames[i].file.len > 0 ? failure->frames[i].file : PSV_BYTES("inside PHP"));
        (void)!psv_buffer_printf(out, failure->frames[i].line > 0 ? ":%u\n" : "\n", failure->frames[i].line);
    }
    if (failure->frames_left_out > 0)
        (void)!psv_buffer_printf(out, "  %u more calls are not shown\n", failure->frames_left_out);
}

void psv_dev_page_text(const struct psv_dev_report *report, struct psv_buffer *out)
{
    for (unsigned i = 0; i < report->failures_len; i++) {
        say(out, i > 0 ? "\nPrevious: " : "");
        put_failure(out, report->failures[i]);
    }
    for (unsigned i = 0; i < report->notices_len; i++) {
        const struct psv_dev_notice *notice = &report->notices[i];
        say(out, i == 0 ? "\nWarnings and notices of this request:\n  " : "  ");
        put_plain(out, notice->kind);
        say(out, ": ");
        put_plain(out, notice->text);
        say(out, " at ");
        put_plain(out, notice->file);
        (void)!psv_buffer_printf(out, ":%u\n", notice->line);
    }
    (void)!psv_buffer_printf(out, "\nPHP %s, worker %u, request ", report->php_version, report->worker);
    put_plain(out, report->message->request_id);
    (void)!psv_buffer_printf(out, ", %.1f ms, %.1f MiB\n", (double)report->duration_us / 1000.0,
                             (double)report->memory_bytes / 1048576.0);
}

/* ---- JSON (RFC 8259) */

static void put_string(struct psv_buffer *out, struct psv_bytes text)
{
    say(out, "\"");
    for (size_t i = 0; i < text.len;) {
        uint32_t code = 0;
        size_t len = psv_utf8_decode(psv_bytes_from(text, i), &code);
        if (len == 0)
            say(out, "\\ufffd");
        else if (code == '"' || code == '\\')
            (void)!psv_buffer_printf(out, "\\%c", (char)code);
        else if (code < 0x20 || code == 0x7f)
            (void)!psv_buffer_printf(out, "\\u%04x", (unsigned)code);
        else
            (void)!psv_buffer_append(out, text.data + i, len);
        i += len > 0 ? len : 1;
    }
    say(out, "\"");
}

static void put_member(struct psv_buffer *out, const char *name, struct psv_bytes value)
{
    (void)!psv_buffer_printf(out, "\"%s\":", name);
    put_string(out, value);
}

static void put_json_failure(struct psv_buffer *out, const struct psv_dev_failure *failure)
{
    say(out, "{");
    put_member(out, "class", failure->kind);
    say(out, ",");
    put_member(out, "message", failure->text);
    say(out, ",");
    put_member(out, "file", failure->file);
    (void)!psv_buffer_printf(out, ",\"line\":%u,\"code\":%lld,\"trace\":[", failure->line,
                             (long long)failure->code);
    for (unsigned i = 0; i < failure->frames_len; i++) {
        say(out, i > 0 ? ",{" : "{");
        put_member(out, "function", failure->frames[i].function);
        say(out, ",");
        put_member(out, "file", failure->frames[i].file);
        (void)!psv_buffer_printf(out, ",\"line\":%u}", failure->frames[i].line);
    }
    say(out, "]}");
}

void psv_dev_page_json(const struct psv_dev_report *report, struct psv_buffer *out)
{
    say(out, "{\"type\":\"about:blank\",\"title\":\"Internal Server Error\",\"status\":500,");
    put_member(out, "detail", report->failures[0]->text);
    say(out, ",");
    put_member(out, "request_id", report->message->request_id);
    say(out, ",\"exception\":");
    put_json_failure(out, report->failures[0]);
    say(out, ",\"previous\":[");
    for (unsigned i = 1; i < report->failures_len; i++) {
        say(out, i > 1 ? "," : "");
        put_json_failure(out, report->failures[i]);
    }
    say(out, "],\"notices\":[");
    for (unsigned i = 0; i < report->notices_len; i++) {
        const struct psv_dev_notice *notice = &report->notices[i];
        say(out, i > 0 ? ",{" : "{");
        put_member(out, "kind", notice->kind);
        say(out, ",");
        put_member(out, "message", notice->text);
        say(out, ",");
        put_member(out, "file", notice->file);
        (void)!psv_buffer_printf(out, ",\"line\":%u,\"count\":%u}", notice->line, notice->count);
    }
    say(out, "]}\n");
}
