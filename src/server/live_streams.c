/* See live_streams.h.  Server-sent events (WHATWG HTML 9.2).
 *
 * SPDX-License-Identifier: MIT */
#include "live_streams.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "base/memory.h"
#include "exec/exchange.h"
#include "net/loop.h"

#define STREAMS_MAX 256
/* Finds out that a client has gone, and keeps proxies from ending the stream. */
#define PING_NS UINT64_C(15000000000)
#define EVENT_BYTES_MAX 160
#define PATH_STREAM PSV_BYTES("/.phpsrv/live-reload")
#define PATH_SCRIPT PSV_BYTES("/.phpsrv/live-reload.js")

struct live_stream {
    struct psv_list link;
    struct psv_live_streams *streams;
    struct psv_exchange *exchange;
};

/* Hidden tabs hold no connection: browsers allow six to a server.  They ask when they are looked at again. */
static const char script[] =
    "(function () {\n"
    "  'use strict';\n"
    "  if (window.phpsrvLiveReload) return;\n"
    "  window.phpsrvLiveReload = true;\n"
    "  var known = null, source = null;\n"
    "  function styles() {\n"
    "    document.querySelectorAll('link[rel~=\"stylesheet\"][href]').forEach(function (link) {\n"
    "      var url = new URL(link.href, location.href), next = link.cloneNode();\n"
    "      if (url.host !== location.host) return;\n"
    "      url.searchParams.set('live-reload', Date.now());\n"
    "      next.onload = next.onerror = function () { link.remove(); };\n"
    "      next.href = url.href;\n"
    "      link.after(next);\n"
    "    });\n"
    "  }\n"
    "  function close() { if (source) source.close(); source = null; }\n"
    "  function open() {\n"
    "    if (source || document.visibilityState === 'hidden') return;\n"
    "    source = new EventSource('/.phpsrv/live-reload');\n"
    "    source.addEventListener('hello', function (event) {\n"
    "      if (known !== null && known !== event.data) location.reload();\n"
    "      known = event.data;\n"
    "    });\n"
    "    source.addEventListener('style', function (event) { known = event.data; styles(); });\n"
    "    source.addEventListener('page', function () { location.reload(); });\n"
    "    source.onerror = function () {\n"
    "      if (source && source.readyState === 2) { close(); setTimeout(open, 1000); }\n"
    "    };\n"
    "  }\n"
    "  document.addEventListener('visibilitychange', function () {\n"
    "    if (document.visibilityState === 'hidden') close(); else open();\n"
    "  });\n"
    "  addEventListener('pagehide', close);\n"
    "  addEventListener('pageshow', open);\n"
    "  open();\n"
    "})();\n";

static void release_piece(struct psv_body_piece *piece)
{
    psv_free(piece);
}

/* A piece with its text behind it.  False: no memory. */
static bool add_text(struct psv_list *pieces, const char *text, size_t len)
{
    struct psv_body_piece *piece = psv_malloc(sizeof(*piece) + len);

    if (piece == NULL) {
        return false;
    }
    char *copy = (char *)(piece + 1);
    memcpy(copy, text, len);
    *piece = (struct psv_body_piece){.data = copy, .fd = -1, .len = len, .release = release_piece};
    psv_list_append(pieces, &piece->link);
    return true;
}

static size_t format_event(const struct psv_live_streams *streams, const char *name, char *out)
{
    int len = snprintf(out, EVENT_BYTES_MAX, "event: %s\ndata: %" PRIx64 "-%" PRIu64 "\n\n", name,
                       streams->start, streams->changes);
    return (size_t)len;
}

static void send_all(struct psv_live_streams *streams, const char *text, size_t len)
{
    PSV_LIST_FOR_EACH(node, &streams->streams)
    {
        struct live_stream *stream = PSV_LIST_ENTRY(node, struct live_stream, link);
        struct psv_list pieces;
        psv_list_init(&pieces);
        if (add_text(&pieces, text, len)) {
            psv_exchange_send_body(stream->exchange, &pieces, false); /* the stream may be gone now */
        }
    }
}

static void on_ping(struct psv_timer *timer, void *context)
{
    struct psv_live_streams *streams = context;

    send_all(streams, ":\n\n", 3);
    if (streams->len > 0) {
        psv_timer_start(&streams->ping_queue, timer, streams->loop->now_ns);
    }
}

void psv_live_streams_init(struct psv_live_streams *streams, struct psv_loop *loop, uint64_t start)
{
    *streams = (struct psv_live_streams){.loop = loop, .start = start};
    psv_list_init(&streams->streams);
    psv_timer_init(&streams->ping_timer);
    psv_timer_queue_init(&streams->ping_queue, &loop->wheel, PING_NS, on_ping, streams);
}

/* ---- answers */

/* The exchange is being freed. */
static void forget(void *context)
{
    struct live_stream *stream = context;

    psv_list_remove(&stream->link);
    stream->streams->len--;
}

static bool add_fields(struct psv_exchange *exchange, struct psv_bytes type)
{
    struct psv_headers *headers = &exchange->response.headers;

    psv_headers_init(headers, 4);
    return psv_headers_add_known(headers, &exchange->arena, PSV_FIELD_CONTENT_TYPE, type) == PSV_OK &&
           psv_headers_add_known(headers, &exchange->arena, PSV_FIELD_CACHE_CONTROL, PSV_BYTES("no-store")) ==
               PSV_OK &&
           psv_headers_add(headers, &exchange->arena, PSV_BYTES("X-Accel-Buffering"), PSV_BYTES("no")) ==
               PSV_OK;
}

static void answer_script(struct psv_exchange *exchange)
{
    struct psv_body_piece *piece = psv_arena_calloc(&exchange->arena, sizeof(*piece));
    struct psv_list pieces;

    psv_list_init(&pieces);
    if (piece == NULL || !add_fields(exchange, PSV_BYTES("text/javascript; charset=UTF-8"))) {
        psv_exchange_refuse(exchange, 503, "out of memory", NULL, 0);
        return;
    }
    *piece = (struct psv_body_piece){.data = script, .fd = -1, .len = sizeof(script) - 1};
    if (exchange->request.method == PSV_METHOD_GET) {
        psv_list_append(&pieces, &piece->link);
    }
    exchange->response.status = 200;
    exchange->response.content_length = (int64_t)sizeof(script) - 1;
    psv_exchange_respond(exchange, &pieces, true);
}

static void answer_stream(struct psv_live_streams *streams, struct psv_exchange *exchange)
{
    struct live_stream *stream = psv_arena_calloc(&exchange->arena, sizeof(*stream));
    bool is_get = exchange->request.method == PSV_METHOD_GET;
    char text[EVENT_BYTES_MAX + 16] = "retry: 500\n";
    size_t len = strlen(text);
    struct psv_list pieces;

    psv_list_init(&pieces);
    len += format_event(streams, "hello", text + len);
    if (streams->is_closed || streams->len == STREAMS_MAX || stream == NULL ||
        !add_fields(exchange, PSV_BYTES("text/event-stream")) || (is_get && !add_text(&pieces, text, len))) {
        psv_exchange_refuse(exchange, 503, "no room for one more live reload", NULL, 0);
        return;
    }
    exchange->response.status = 200;
    exchange->response.content_length = -1;
    if (is_get) {
        *stream = (struct live_stream){.streams = streams, .exchange = exchange};
        psv_list_init(&stream->link);
        if (psv_arena_on_fini(&exchange->arena, forget, stream) != PSV_OK) {
            psv_body_pieces_release(&pieces);
            psv_exchange_refuse(exchange, 503, "out of memory", NULL, 0);
            return;
        }
        psv_list_append(&streams->streams, &stream->link);
        streams->len++;
        if (!psv_timer_is_running(&streams->ping_timer)) {
            psv_timer_start(&streams->ping_queue, &streams->ping_timer, streams->loop->now_ns);
        }
    }
    psv_exchange_respond(exchange, &pieces, !is_get);
}

bool psv_live_streams_answer(struct psv_live_streams *streams, struct psv_exchange *exchange)
{
    static const struct psv_field allow = {
        .name = PSV_BYTES_INIT("Allow"), .value = PSV_BYTES_INIT("GET, HEAD"), .id = PSV_FIELD_ALLOW};
    struct psv_bytes path = exchange->request.path;
    bool is_script = psv_bytes_equal(path, PATH_SCRIPT);

    if (!is_script && !psv_bytes_equal(path, PATH_STREAM)) {
        return false;
    }
    if (exchange->request.method != PSV_METHOD_GET && exchange->request.method != PSV_METHOD_HEAD) {
        psv_exchange_refuse(exchange, 405, "method not allowed for live reload", &allow, 1);
    } else if (is_script) {
        answer_script(exchange);
    } else {
        answer_stream(streams, exchange);
    }
    return true;
}

/* ---- what has changed */

void psv_live_streams_tell(struct psv_live_streams *streams, enum psv_live_change change)
{
    char text[EVENT_BYTES_MAX];

    streams->changes++;
    send_all(streams, text, format_event(streams, change == PSV_LIVE_STYLE ? "style" : "page", text));
}

void psv_live_streams_close(struct psv_live_streams *streams)
{
    struct psv_list none;

    streams->is_closed = true;
    psv_timer_stop(&streams->ping_timer);
    PSV_LIST_FOR_EACH(node, &streams->streams)
    {
        struct live_stream *stream = PSV_LIST_ENTRY(node, struct live_stream, link);
        psv_list_remove(node); /* its exchange may live on for a while */
        psv_list_init(&none);
        psv_exchange_send_body(stream->exchange, &none, true);
    }
}
