/* Responses -> frames: what handlers reach through struct psv_exchange_codec, and the callbacks with which
 * the library fetches the bytes when the windows and its order of streams (RFC 9218) allow it.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#include "session.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text_parse.h"
#include "http/extra_fields.h"
#include "http/status.h"
#include "net/loop.h"
#include "observe/metrics.h"
#include "os/fd.h"

/* Fields of a response that fit on the stack; :status, date, server, server-timing, strict-transport-security
 * and content-length come on top. */
#define FIELDS_STACK 48
#define FIELDS_EXTRA (5 + PSV_EXTRA_FIELDS_MAX)
/* What a DATA frame sent gives back to the client's budget of WINDOW_UPDATE frames: one for the stream, one
 * for the connection, and some air. */
#define WINDOW_REFUND 4
#define NUMBER_TEXT_MAX 20

static struct psv_h2_stream *stream_of(struct psv_exchange *exchange)
{
    struct psv_h2_stream *stream = exchange->codec_stream;

    CHECK_MAGIC(stream, PSV_H2_STREAM_MAGIC);
    INVARIANT(stream->exchange == exchange);
    return stream;
}

/* ---- heads */

static void put_field(nghttp2_nv *out, struct psv_bytes name, struct psv_bytes value, uint8_t flags)
{
    *out = (nghttp2_nv){
        .name = (uint8_t *)(uintptr_t)name.data,
        .value = (uint8_t *)(uintptr_t)value.data,
        .namelen = name.len,
        .valuelen = value.len,
        .flags = flags,
    };
}

/* RFC 9113 8.2.2: these speak of a connection of HTTP/1. */
static bool is_of_connection(enum psv_field_id id)
{
    return id == PSV_FIELD_CONNECTION || id == PSV_FIELD_KEEP_ALIVE || id == PSV_FIELD_PROXY_CONNECTION ||
           id == PSV_FIELD_TRANSFER_ENCODING || id == PSV_FIELD_UPGRADE;
}

/* Which fields that the server adds are the application's already. */
struct own_fields {
    bool has_date;
    bool has_server;
};

/* The library copies names (in lower case) and values.  Returns how many. */
static size_t put_fields(nghttp2_nv *out, const struct psv_headers *headers, struct own_fields *ret_own)
{
    size_t len = 0;

    for (unsigned i = 0; headers != NULL && i < headers->len; i++) {
        const struct psv_field *field = &headers->items[i];
        if (is_of_connection(field->id)) {
            continue;
        }
        ret_own->has_date |= field->id == PSV_FIELD_DATE;
        ret_own->has_server |= field->id == PSV_FIELD_SERVER;
        put_field(&out[len++], field->name, field->value,
                  field->id == PSV_FIELD_SET_COOKIE ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE);
    }
    return len;
}

/* "Date: ...\r\n" -> the value. */
static struct psv_bytes date_value(struct psv_loop *loop)
{
    struct psv_bytes line = psv_loop_date(loop);
    const size_t name_len = sizeof("Date: ") - 1;

    return (struct psv_bytes){line.data + name_len, line.len - name_len - 2};
}

static size_t put_head(struct psv_h2_stream *stream, nghttp2_nv *out, char *status, char *length)
{
    const struct psv_response *response = &stream->exchange->response;
    struct own_fields own = {0};
    size_t len = 1;

    put_field(&out[0], PSV_BYTES(":status"),
              (struct psv_bytes){status, psv_format_u64(status, response->status)}, NGHTTP2_NV_FLAG_NONE);
    len += put_fields(&out[len], &response->headers, &own);
    if (!own.has_date) {
        put_field(&out[len++], PSV_BYTES("date"), date_value(stream->h2->connection->service->loop),
                  NGHTTP2_NV_FLAG_NONE);
    }
    if (!own.has_server && stream->h2->config->sends_server_field) {
        put_field(&out[len++], PSV_BYTES("server"), PSV_BYTES("phpsrv"), NGHTTP2_NV_FLAG_NONE);
    }
    const struct psv_extra_fields *extra = psv_exchange_fields(stream->exchange);
    uint32_t missing = psv_extra_fields_missing(extra, &response->headers);
    for (unsigned i = 0; missing != 0; i++, missing >>= 1) {
        if ((missing & 1) != 0) {
            put_field(&out[len++], extra->items[i].name, extra->items[i].value, NGHTTP2_NV_FLAG_NONE);
        }
    }
    if (response->server_timing.len > 0) {
        put_field(&out[len++], PSV_BYTES("server-timing"), response->server_timing, NGHTTP2_NV_FLAG_NONE);
    }
    if (stream->has_length) {
        put_field(&out[len++], PSV_BYTES("content-length"),
                  (struct psv_bytes){length, psv_format_u64(length, (uint64_t)response->content_length)},
                  NGHTTP2_NV_FLAG_NONE);
    }
    return len;
}

static ssize_t read_data(nghttp2_session *session, int32_t id, uint8_t *out, size_t len, uint32_t *flags,
                         nghttp2_data_source *source, void *user_data);

/* Final head; is_end: no DATA frame follows. */
static int submit_head(struct psv_h2_stream *stream, bool is_end)
{
    nghttp2_nv stack[FIELDS_STACK + FIELDS_EXTRA];
    const nghttp2_data_provider provider = {.source = {.ptr = stream}, .read_callback = read_data};
    unsigned fields_len = stream->exchange->response.headers.len;
    nghttp2_nv *fields =
        fields_len <= FIELDS_STACK ? stack : psv_malloc((fields_len + FIELDS_EXTRA) * sizeof(nghttp2_nv));
    char status[NUMBER_TEXT_MAX];
    char length[NUMBER_TEXT_MAX];

    if (fields == NULL) {
        return PSV_ENOMEM;
    }
    size_t len = put_head(stream, fields, status, length);
    int code =
        nghttp2_submit_response(stream->h2->session, stream->id, fields, len, is_end ? NULL : &provider);
    if (fields != stack) {
        psv_free(fields);
    }
    return code == 0 ? PSV_OK : PSV_ENOMEM;
}

/* ---- what handlers ask for */

static void reset(struct psv_h2_stream *stream, uint32_t error_code)
{
    stream->is_aborted = true;
    (void)!nghttp2_submit_rst_stream(stream->h2->session, NGHTTP2_FLAG_NONE, stream->id, error_code);
    psv_h2_schedule(stream->h2);
}

static void watch_for_stall(struct psv_h2_stream *stream)
{
    psv_timer_start(&stream->h2->config->stall_timer, &stream->timer,
                    stream->h2->connection->service->loop->now_ns);
}

/* Queues the pieces; false when the promised length cannot be kept. */
static bool take_pieces(struct psv_h2_stream *stream, struct psv_list *pieces, bool is_last)
{
    uint64_t len = psv_body_pieces_len(pieces);
    struct psv_list *node;

    stream->is_last = is_last;
    if (stream->has_no_body) {
        psv_body_pieces_release(pieces);
        return true;
    }
    if (stream->has_length) {
        if (len > stream->body_left || (is_last && len < stream->body_left)) {
            psv_body_pieces_release(pieces);
            return false;
        }
        stream->body_left -= len;
    }
    while ((node = psv_list_first(pieces)) != NULL) {
        psv_list_remove(node);
        psv_list_append(&stream->pieces, node);
    }
    psv_h2_note_held(stream, (int64_t)len);
    return true;
}

static void respond(struct psv_exchange *exchange, struct psv_list *pieces, bool is_last)
{
    struct psv_h2_stream *stream = stream_of(exchange);
    struct psv_response *response = &exchange->response;
    bool is_bodiless = psv_status_is_bodiless(response->status);
    bool is_head = exchange->request.method == PSV_METHOD_HEAD;

    INVARIANT(!stream->has_responded);
    stream->has_responded = true;
    psv_h2_note_answered(stream);
    psv_timer_stop(&stream->timer);
    stream->has_no_body = is_bodiless || is_head;
    if (is_last && response->content_length < 0 && !stream->has_no_body) {
        response->content_length = (int64_t)psv_body_pieces_len(pieces);
    }
    stream->has_length = !is_bodiless && response->content_length >= 0;
    stream->body_left = stream->has_length ? (uint64_t)response->content_length : 0;
    bool is_kept = take_pieces(stream, pieces, is_last);
    if (!is_kept || submit_head(stream, is_last && stream->pieces_len == 0) != PSV_OK) {
        reset(stream, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    if (stream->pieces_len > 0) {
        watch_for_stall(stream);
    }
    psv_h2_schedule(stream->h2);
}

static void resume(struct psv_h2_stream *stream)
{
    if (stream->is_deferred) {
        stream->is_deferred = false;
        (void)!nghttp2_session_resume_data(stream->h2->session, stream->id);
    }
}

static void send_body(struct psv_exchange *exchange, struct psv_list *pieces, bool is_last)
{
    struct psv_h2_stream *stream = stream_of(exchange);

    INVARIANT(stream->has_responded && !stream->is_last);
    if (!take_pieces(stream, pieces, is_last)) {
        reset(stream, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    /* the end as well: with the window used up to the byte, even an empty frame waits for more */
    if ((stream->pieces_len > 0 || is_last) && !psv_timer_is_running(&stream->timer)) {
        watch_for_stall(stream);
    }
    if (stream->pieces_len > 0 || is_last) {
        resume(stream);
    }
    psv_h2_schedule(stream->h2);
}

static void abort_exchange(struct psv_exchange *exchange)
{
    reset(stream_of(exchange), NGHTTP2_INTERNAL_ERROR);
}

static void inform(struct psv_exchange *exchange, unsigned status, const struct psv_headers *headers)
{
    struct psv_h2_stream *stream = stream_of(exchange);
    nghttp2_nv fields[FIELDS_STACK + 1];
    char text[NUMBER_TEXT_MAX];
    struct own_fields own = {0};

    if (stream->has_responded || (headers != NULL && headers->len > FIELDS_STACK)) {
        return; /* RFC 9110 15.2: never after the final response has begun */
    }
    put_field(&fields[0], PSV_BYTES(":status"), (struct psv_bytes){text, psv_format_u64(text, status)},
              NGHTTP2_NV_FLAG_NONE);
    size_t len = 1 + put_fields(&fields[1], headers, &own);
    (void)!nghttp2_submit_headers(stream->h2->session, NGHTTP2_FLAG_NONE, stream->id, NULL, fields, len,
                                  NULL);
    psv_h2_schedule(stream->h2);
}

const struct psv_exchange_codec psv_h2_exchange_codec = {
    .respond = respond,
    .send_body = send_body,
    .abort = abort_exchange,
    .inform = inform,
};

/* ---- frames: callbacks of the library */

static ssize_t read_data(nghttp2_session *session, int32_t id, uint8_t *out, size_t len, uint32_t *flags,
                         nghttp2_data_source *source, void *user_data)
{
    struct psv_h2_stream *stream = source->ptr;

    (void)session, (void)id, (void)out, (void)user_data;
    CHECK_MAGIC(stream, PSV_H2_STREAM_MAGIC);
    if (stream->pieces_len == 0 && !stream->is_last) {
        stream->is_deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    uint64_t part = MIN((uint64_t)len, stream->pieces_len);
    if (part == stream->pieces_len && stream->is_last) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    return (ssize_t)part;
}

static bool copy_piece(const struct psv_body_piece *piece, char *out, size_t len)
{
    if (piece->data != NULL) {
        memcpy(out, piece->data + piece->offset, len);
        return true;
    }
    size_t filled;
    return psv_fd_pread_all(piece->fd, out, len, piece->offset, &filled) == PSV_OK && filled == len;
}

/* Fills out with the first len bytes of the body that are left; false when a file is shorter than it was. */
static bool copy_pieces(struct psv_h2_stream *stream, char *out, size_t len)
{
    while (len > 0) {
        struct psv_body_piece *piece =
            PSV_LIST_ENTRY(psv_list_first(&stream->pieces), struct psv_body_piece, link);
        size_t part = MIN(len, piece->len);
        if (!copy_piece(piece, out, part)) {
            return false;
        }
        out += part;
        len -= part;
        piece->offset += part;
        piece->len -= part;
        psv_h2_note_held(stream, -(int64_t)part);
        if (piece->len == 0) {
            psv_list_remove(&piece->link);
            if (piece->release != NULL) {
                piece->release(piece);
            }
        }
    }
    return true;
}

static int send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head, size_t len,
                     nghttp2_data_source *source, void *user_data)
{
    struct psv_h2 *h2 = user_data;
    struct psv_h2_stream *stream = source->ptr;
    struct psv_h2_shared *shared = h2->config->shared;

    (void)session, (void)frame;
    CHECK_MAGIC(stream, PSV_H2_STREAM_MAGIC);
    if (sizeof(shared->output) - shared->output_len < PSV_H2_FRAME_HEADER_BYTES + len) {
        return NGHTTP2_ERR_WOULDBLOCK;
    }
    char *out = shared->output + shared->output_len;
    memcpy(out, head, PSV_H2_FRAME_HEADER_BYTES);
    if (!copy_pieces(stream, out + PSV_H2_FRAME_HEADER_BYTES, len)) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* the stream is reset: its length cannot be kept */
    }
    shared->output_len += PSV_H2_FRAME_HEADER_BYTES + len;
    psv_h2_guard_refund(&h2->guard, PSV_H2_GUARD_WINDOW, WINDOW_REFUND);
    if (stream->pieces_len > 0) {
        watch_for_stall(stream);
    } else {
        psv_timer_stop(&stream->timer);
    }
    stream->exchange->bytes_sent += len;
    if (len > 0) { /* an empty frame only ends the stream */
        stream->exchange->host->on_sent(stream->exchange, len);
    }
    return 0;
}

static ssize_t send_bytes(nghttp2_session *session, const uint8_t *data, size_t len, int flags,
                          void *user_data)
{
    struct psv_h2_shared *shared = ((struct psv_h2 *)user_data)->config->shared;
    size_t part = MIN(len, sizeof(shared->output) - shared->output_len);

    (void)session, (void)flags;
    if (part == 0) {
        return NGHTTP2_ERR_WOULDBLOCK;
    }
    memcpy(shared->output + shared->output_len, data, part);
    shared->output_len += part;
    return (ssize_t)part;
}

/* RFC 9113 8.1: the answer is complete, and the rest of the request is not needed. */
static void note_end_sent(struct psv_h2_stream *stream)
{
    stream->is_end_sent = true;
    if (!stream->has_ended) {
        (void)!nghttp2_submit_rst_stream(stream->h2->session, NGHTTP2_FLAG_NONE, stream->id,
                                         NGHTTP2_NO_ERROR);
    }
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct psv_h2 *h2 = user_data;

    (void)session;
    if (h2->connection->service->is_counted && frame->hd.type == NGHTTP2_GOAWAY) {
        psv_metric_inc(PSV_METRIC_HTTP2_GOAWAYS_SERVER);
    }
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        psv_metric_add(PSV_METRIC_HTTP2_RESETS_SERVER, h2->connection->service->is_counted);
        /* the client made us reset it, but for failures of our own; after its end it makes no more of them */
        if (frame->rst_stream.error_code != NGHTTP2_INTERNAL_ERROR && !h2->connection->has_eof) {
            psv_h2_spend(h2, PSV_H2_GUARD_RESET);
        }
        return 0;
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) {
        return 0;
    }
    struct psv_h2_stream *stream = psv_h2_stream_find(h2, frame->hd.stream_id);
    if (stream == NULL) {
        return 0;
    }
    if (frame->hd.type == NGHTTP2_HEADERS) {
        stream->exchange->head_bytes_sent += PSV_H2_FRAME_HEADER_BYTES + frame->hd.length;
    }
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        note_end_sent(stream);
    }
    return 0;
}

/* A head that cannot be sent (larger than the library takes) ends its stream. */
static int on_frame_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int code, void *user_data)
{
    struct psv_h2_stream *stream = psv_h2_stream_find(user_data, frame->hd.stream_id);

    (void)session, (void)code;
    if (frame->hd.type == NGHTTP2_HEADERS && stream != NULL && !stream->is_aborted) {
        reset(stream, NGHTTP2_INTERNAL_ERROR);
    }
    return 0;
}

static bool has_window(const struct psv_h2_stream *stream)
{
    nghttp2_session *session = stream->h2->session;

    return nghttp2_session_get_stream_remote_window_size(session, stream->id) > 0 &&
           nghttp2_session_get_remote_window_size(session) > 0;
}

/* RFC 9113 6.9: windows grow by frames of the client, of which no more will come. */
void psv_h2_give_up_unreadable(struct psv_h2 *h2)
{
    PSV_LIST_FOR_EACH(node, &h2->streams)
    {
        struct psv_h2_stream *stream = PSV_LIST_ENTRY(node, struct psv_h2_stream, link);
        bool owes_frames = stream->pieces_len > 0 || (stream->is_last && !stream->is_end_sent);
        if (stream->has_responded && owes_frames && !stream->is_aborted && !has_window(stream)) {
            reset(stream, NGHTTP2_CANCEL);
        }
    }
}

/* No byte of the response was taken for the write timeout.  A stream that waits for others on a slow line is
 * not stalled; one whose client grants no window is. */
void psv_h2_on_stall_timer(struct psv_timer *timer, void *context)
{
    struct psv_h2_stream *stream = CONTAINER_OF(timer, struct psv_h2_stream, timer);

    (void)context;
    CHECK_MAGIC(stream, PSV_H2_STREAM_MAGIC);
    if (has_window(stream)) {
        watch_for_stall(stream);
        return;
    }
    psv_metric_inc(PSV_METRIC_TIMEOUTS_WRITE);
    psv_metric_inc(PSV_METRIC_HTTP2_ABUSE_STALL);
    reset(stream, NGHTTP2_CANCEL);
}

void psv_h2_set_send_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_send_callback(callbacks, send_bytes);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_sent);
}
