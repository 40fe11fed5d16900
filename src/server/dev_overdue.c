/* See dev_overdue.h.  The script runs on another thread: all that can be told is its stack, as the slow log
 * reads it.
 *
 * SPDX-License-Identifier: MIT */
#include "dev_overdue.h"

#include <stdio.h>

#include "base/buffer.h"
#include "config/option_value.h"
#include "exec/exchange.h"
#include "exec/job.h"
#include "exec/worker.h"
#include "exec/worker_group.h"
#include "http/accept.h"

#define TRACE_BYTES_MAX 4000
#define PAGE_BYTES_MAX (64u * 1024u)

static void say(struct psv_buffer *out, const char *text)
{
    (void)!psv_buffer_append(out, text, strlen(text));
}

static void put_escaped(struct psv_buffer *out, struct psv_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        const char *entity = c == '<'   ? "&lt;"
                             : c == '>' ? "&gt;"
                             : c == '&' ? "&amp;"
                             : c == '"' ? "&quot;"
                                        : NULL;
        if (entity != NULL) {
            say(out, entity);
        } else {
            (void)!psv_buffer_append_byte(out, (unsigned char)c < 0x20 ? '?' : c);
        }
    }
}

/* "#0 f() /srv/a.php:3 #1 {main} /srv/index.php:9": each on a line of its own. */
static void put_trace(struct psv_buffer *out, struct psv_bytes trace, bool is_html)
{
    while (trace.len > 0) {
        size_t end = 1;
        while (end < trace.len && !(trace.data[end] == '#' && trace.data[end - 1] == ' ')) {
            end++;
        }
        struct psv_bytes frame = psv_bytes_trim(psv_bytes_first(trace, end));
        if (is_html) {
            put_escaped(out, frame);
        } else {
            (void)!psv_buffer_append_bytes(out, frame);
        }
        say(out, "\n");
        trace = psv_bytes_from(trace, end);
    }
}

static void format(struct psv_buffer *out, enum psv_accept_form form, struct psv_bytes trace, double limit_s,
                   const char *request_id)
{
    char what[80];

    (void)snprintf(what, sizeof(what), "The script did not answer within %.1f s", limit_s);
    if (form == PSV_ACCEPT_JSON) {
        (void)!psv_buffer_printf(out,
                                 "{\"type\":\"about:blank\",\"title\":\"Gateway Timeout\",\"status\":504,"
                                 "\"detail\":\"%s\",\"request_id\":\"%s\",\"trace\":",
                                 what, request_id);
        (void)!psv_option_append_quoted(out, trace);
        say(out, "}\n");
        return;
    }
    if (form == PSV_ACCEPT_PLAIN) {
        (void)!psv_buffer_printf(out, "%s (request.timeout_ms). It was here:\n\n", what);
        put_trace(out, trace, false);
        return;
    }
    say(out,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
        "content=\"width=device-width,initial-scale=1\"><title>504</title><style>:root{color-scheme:light "
        "dark}body{font:16px/1.5 system-ui,sans-serif;max-width:1100px;margin:0 auto;padding:24px 20px}"
        "h1{font-size:22px;border-top:4px solid #c62828;padding-top:16px}pre{font:13px/1.7 ui-monospace,"
        "monospace;overflow-x:auto;border:1px solid #8886;border-radius:6px;padding:12px 16px}"
        "footer{font-size:13px;opacity:.7}</style></head><body><h1>");
    say(out, what);
    say(out,
        "</h1><p>The limit is <code>request.timeout_ms</code>. When it had passed, the script was here:</p>"
        "<pre>");
    put_trace(out, trace, true);
    (void)!psv_buffer_printf(out,
                             "</pre><footer>Request %s. This page is shown because the server runs in "
                             "development mode (<code>--dev</code>).</footer></body></html>\n",
                             request_id);
}

static bool prepare(struct psv_exchange *exchange, enum psv_accept_form form, struct psv_bytes text,
                    struct psv_list *pieces)
{
    const struct psv_bytes types[] = {
        [PSV_ACCEPT_PLAIN] = PSV_BYTES_INIT("text/plain; charset=UTF-8"),
        [PSV_ACCEPT_HTML] = PSV_BYTES_INIT("text/html; charset=UTF-8"),
        [PSV_ACCEPT_JSON] = PSV_BYTES_INIT("application/problem+json"),
    };
    struct psv_arena *arena = psv_exchange_arena(exchange);
    struct psv_headers *headers = &exchange->response.headers;
    struct psv_body_piece *piece = psv_arena_calloc(arena, sizeof(*piece));
    struct psv_bytes copy = psv_arena_copy(arena, text);

    psv_headers_init(headers, 4);
    if (piece == NULL || copy.data == NULL ||
        psv_headers_add_known(headers, arena, PSV_FIELD_CONTENT_TYPE, types[form]) != PSV_OK ||
        psv_headers_add_known(headers, arena, PSV_FIELD_CACHE_CONTROL, PSV_BYTES("no-store")) != PSV_OK) {
        return false;
    }
    *piece = (struct psv_body_piece){.data = copy.data, .fd = -1, .len = copy.len};
    if (exchange->request.method != PSV_METHOD_HEAD) {
        psv_list_append(pieces, &piece->link);
    }
    exchange->response.status = 504;
    exchange->response.content_length = (int64_t)copy.len;
    return true;
}

void psv_dev_answer_overdue(struct psv_exchange *exchange)
{
    enum psv_accept_form form = psv_accept_choose(&exchange->request.headers);
    struct psv_job *job = exchange->job;
    uint64_t deadline_ns = atomic_load_explicit(&job->deadline_ns, memory_order_relaxed); /* a number */
    double limit_s = (double)(deadline_ns - job->queued_ns) / 1e9;
    char trace[TRACE_BYTES_MAX];
    struct psv_buffer text;
    struct psv_list pieces;
    size_t len = 0;

    if (atomic_load_explicit(&job->worker_plus_1, memory_order_relaxed) != 0) {
        len = psv_worker_pool_trace(job->group->pool, job, trace, sizeof(trace));
    }
    struct psv_bytes where =
        len > 0 ? (struct psv_bytes){trace, len} : PSV_BYTES("(it was waiting for a worker)");
    psv_list_init(&pieces);
    psv_buffer_init(&text, PAGE_BYTES_MAX);
    format(&text, form, where, limit_s, exchange->request_id);
    bool is_ready = prepare(exchange, form, psv_buffer_bytes(&text), &pieces);
    psv_buffer_fini(&text);
    if (is_ready) {
        exchange->refusal = "request deadline exceeded";
        psv_exchange_respond(exchange, &pieces, true);
    }
}
