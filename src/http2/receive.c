/* Frames of the client: callbacks of the library.  Streams begin and end here.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#include "session.h"

#include "base/assert.h"
#include "base/error.h"
#include "net/loop.h"
#include "observe/metrics.h"

/* Answers of the host that a connection may leave untaken at the same time once they are large. */
#define SLOW_READER_STREAMS 8

/* SETTINGS_MAX_FRAME_SIZE as it is unless announced otherwise (RFC 9113 6.5.2). */
#define FRAME_BYTES_MAX 16384

static struct psv_h2 *h2_from(void *user_data)
{
    struct psv_h2 *h2 = user_data;

    CHECK_MAGIC(h2, PSV_H2_MAGIC);
    return h2;
}

/* ---- streams */

static struct psv_h2_stream *begin_stream(struct psv_h2 *h2, int32_t id)
{
    struct psv_connection *connection = h2->connection;
    struct psv_loop *loop = connection->service->loop;
    struct psv_exchange *exchange =
        psv_exchange_new(h2->config->pool, &psv_h2_exchange_codec, connection->service->host);

    if (exchange == NULL) {
        return NULL;
    }
    struct psv_h2_stream *stream = psv_arena_calloc(&exchange->arena, sizeof(*stream));
    if (stream == NULL) {
        psv_exchange_free(h2->config->pool, exchange);
        return NULL;
    }
    stream->magic = PSV_H2_STREAM_MAGIC;
    stream->id = id;
    stream->h2 = h2;
    stream->exchange = exchange;
    psv_timer_init(&stream->timer);
    psv_list_init(&stream->pieces);
    psv_list_init(&stream->wait_link);
    exchange->codec_stream = stream;
    exchange->peer = connection->peer;
    exchange->request.is_https = exchange->peer.tls_protocol != NULL;
    exchange->received_ns = loop->now_ns;
    exchange->received_unix_us = loop->now_unix_us;
    exchange->request.version = PSV_HTTP_2;
    psv_headers_init(&exchange->request.headers, h2->config->header_count_max);
    psv_request_body_init(&exchange->body, h2->config->body_memory_bytes, h2->config->body_bytes_max);
    psv_list_append(&h2->streams, &stream->link);
    h2->streams_len++;
    if (connection->service->is_counted) {
        psv_metric_inc(PSV_METRIC_HTTP2_STREAMS);
        psv_metric_inc(PSV_METRIC_HTTP2_STREAMS_OPEN);
    }
    return stream;
}

void psv_h2_end_stream(struct psv_h2_stream *stream, bool is_aborted)
{
    struct psv_exchange *exchange = stream->exchange;

    CHECK_MAGIC(stream, PSV_H2_STREAM_MAGIC);
    stream->magic = 0;
    (void)!nghttp2_session_set_stream_user_data(stream->h2->session, stream->id, NULL);
    psv_timer_stop(&stream->timer);
    psv_h2_note_answered(stream);
    psv_list_remove(&stream->wait_link);
    psv_body_pieces_release(&stream->pieces);
    psv_h2_note_held(stream, -(int64_t)stream->pieces_len);
    stream->h2->dispatched_len -= stream->is_dispatched;
    psv_list_remove(&stream->link);
    stream->h2->streams_len--;
    if (stream->h2->connection->service->is_counted) {
        psv_metric_add(PSV_METRIC_HTTP2_STREAMS_OPEN, -1);
    }
    exchange->codec_stream = NULL;
    exchange->host->on_end(exchange, is_aborted); /* the stream's memory goes with it */
}

/* One timer a stream: until the answer begins it watches the body, afterwards the answer. */
static void restart_body_timer_unless_answering(struct psv_h2_stream *stream)
{
    if (!stream->has_responded) {
        psv_timer_start(&stream->h2->config->body_timer, &stream->timer,
                        stream->h2->connection->service->loop->now_ns);
    }
}

static void refuse(struct psv_h2_stream *stream, unsigned status, const char *reason)
{
    stream->keeps_body = false;
    psv_exchange_refuse(stream->exchange, status, reason, NULL, 0);
}

void psv_h2_note_answered(struct psv_h2_stream *stream)
{
    stream->h2->unanswered_len -= stream->is_unanswered;
    stream->is_unanswered = false;
}

/* One connection is one client: its streams share what a client gets of the queue and of memory, whatever
 * their number.  A reader that leaves much untaken gets few answers at a time. */
static bool has_turn(const struct psv_h2 *h2)
{
    return h2->unanswered_len < h2->config->unanswered_max &&
           (h2->held_bytes < h2->config->held_bytes_max || h2->dispatched_len < SLOW_READER_STREAMS);
}

static void dispatch(struct psv_h2_stream *stream)
{
    stream->is_dispatched = true;
    stream->is_unanswered = true;
    stream->h2->dispatched_len++;
    stream->h2->unanswered_len++;
    stream->exchange->host->on_request(stream->exchange);
}

void psv_h2_dispatch_waiting(struct psv_h2 *h2)
{
    struct psv_list *node;

    while (has_turn(h2) && (node = psv_list_first(&h2->waiting)) != NULL) {
        psv_list_remove(node);
        dispatch(PSV_LIST_ENTRY(node, struct psv_h2_stream, wait_link));
    }
}

/* The client sent END_STREAM. */
static void end_request(struct psv_h2_stream *stream)
{
    stream->has_ended = true;
    if (psv_timer_is_running(&stream->timer) && !stream->has_responded) {
        psv_timer_stop(&stream->timer);
    }
    if (stream->keeps_body) {
        stream->keeps_body = false;
        if (has_turn(stream->h2) && psv_list_is_empty(&stream->h2->waiting)) {
            dispatch(stream);
        } else {
            psv_list_append(&stream->h2->waiting, &stream->wait_link);
        }
    }
}

void psv_h2_on_body_timer(struct psv_timer *timer, void *context)
{
    struct psv_h2_stream *stream = CONTAINER_OF(timer, struct psv_h2_stream, timer);

    (void)context;
    CHECK_MAGIC(stream, PSV_H2_STREAM_MAGIC);
    psv_metric_inc(PSV_METRIC_TIMEOUTS_BODY);
    if (!stream->has_responded && stream->keeps_body) {
        refuse(stream, 408, "request body too slow");
    } else {
        (void)!nghttp2_submit_rst_stream(stream->h2->session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
        psv_h2_schedule(stream->h2);
    }
}

void psv_h2_give_up_bodies(struct psv_h2 *h2)
{
    PSV_LIST_FOR_EACH(node, &h2->streams)
    {
        struct psv_h2_stream *stream = PSV_LIST_ENTRY(node, struct psv_h2_stream, link);
        bool is_incomplete = !stream->head_is_done || (stream->keeps_body && !stream->has_ended);
        if (is_incomplete && !stream->has_responded) {
            (void)!nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
        }
    }
}

/* ---- frames */

static void refuse_connection(struct psv_h2 *h2, uint32_t error_code)
{
    psv_metric_inc(PSV_METRIC_PARSER_ERRORS);
    psv_h2_terminate(h2, error_code);
}

/* What the library leaves out about streams that it has forgotten (see stream_ids.h). */
static void check_stream_id(struct psv_h2 *h2, const nghttp2_frame_hd *frame)
{
    uint32_t id = (uint32_t)frame->stream_id;

    if (id % 2 == 0) {
        return;
    }
    if (frame->type == NGHTTP2_RST_STREAM) {
        psv_h2_stream_ids_note_end(&h2->ids, id);
    } else if (psv_h2_stream_ids_has_ended(&h2->ids, id)) {
        refuse_connection(h2, NGHTTP2_STREAM_CLOSED);
    } else if (frame->type == NGHTTP2_HEADERS && !psv_h2_stream_ids_note(&h2->ids, id)) {
        refuse_connection(h2, NGHTTP2_PROTOCOL_ERROR);
    } else if ((frame->flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        psv_h2_stream_ids_note_end(&h2->ids, id);
    }
}

/* A client's new initial window applies to all its streams; RFC 9113 6.9.2: none may grow past the limit. The
 * library would reset the stream only. */
static bool overflows_window(struct psv_h2 *h2, uint32_t old, const nghttp2_settings *settings)
{
    int64_t growth = 0;

    for (size_t i = 0; i < settings->niv; i++) {
        if (settings->iv[i].settings_id == NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE) {
            growth = (int64_t)settings->iv[i].value - (int64_t)old;
        }
    }
    PSV_LIST_FOR_EACH(node, &h2->streams)
    {
        int32_t id = PSV_LIST_ENTRY(node, struct psv_h2_stream, link)->id;
        if (growth > 0 &&
            nghttp2_session_get_stream_remote_window_size(h2->session, id) + growth > INT32_MAX) {
            return true;
        }
    }
    return false;
}

static void count_frame(const struct psv_h2 *h2, enum psv_metric_id id)
{
    if (h2->connection->service->is_counted) {
        psv_metric_inc(id);
    }
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *frame, void *user_data)
{
    struct psv_h2 *h2 = h2_from(user_data);
    bool is_ack = (frame->flags & NGHTTP2_FLAG_ACK) != 0;

    h2->has_progress = true;
    switch (frame->type) {
    case NGHTTP2_DATA:
        if (frame->length == 0 && (frame->flags & NGHTTP2_FLAG_END_STREAM) == 0) {
            psv_h2_spend(h2, PSV_H2_GUARD_EMPTY);
        }
        check_stream_id(h2, frame);
        break;
    case NGHTTP2_HEADERS:
        check_stream_id(h2, frame);
        h2->in_header_block = (frame->flags & NGHTTP2_FLAG_END_HEADERS) == 0;
        break;
    case NGHTTP2_CONTINUATION:
        if (frame->length > FRAME_BYTES_MAX) {
            refuse_connection(
                h2, NGHTTP2_FRAME_SIZE_ERROR); /* of all frames the one that the library lets pass */
        }
        h2->in_header_block = (frame->flags & NGHTTP2_FLAG_END_HEADERS) == 0;
        break;
    case NGHTTP2_PRIORITY:
        if (frame->stream_id == 0) {
            refuse_connection(h2, NGHTTP2_PROTOCOL_ERROR); /* RFC 9113 6.3; the library ignores its meaning */
        }
        psv_h2_spend(h2, PSV_H2_GUARD_PRIORITY);
        break;
    case NGHTTP2_PRIORITY_UPDATE:
        psv_h2_spend(h2, PSV_H2_GUARD_PRIORITY);
        break;
    case NGHTTP2_RST_STREAM:
        count_frame(h2, PSV_METRIC_HTTP2_RESETS_CLIENT);
        psv_h2_spend(h2, PSV_H2_GUARD_RESET);
        check_stream_id(h2, frame);
        break;
    case NGHTTP2_GOAWAY:
        count_frame(h2, PSV_METRIC_HTTP2_GOAWAYS_CLIENT);
        break;
    case NGHTTP2_SETTINGS:
        h2->old_initial_window =
            nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE);
        if (!is_ack) {
            psv_h2_spend(h2, PSV_H2_GUARD_SETTINGS);
        }
        break;
    case NGHTTP2_PING:
        if (!is_ack) {
            psv_h2_spend(h2, PSV_H2_GUARD_PING);
        }
        break;
    case NGHTTP2_WINDOW_UPDATE:
        psv_h2_spend(h2, PSV_H2_GUARD_WINDOW);
        break;
    default:
        break;
    }
    return 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct psv_h2 *h2 = h2_from(user_data);

    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        return 0;
    }
    struct psv_h2_stream *stream = h2->is_failed ? NULL : begin_stream(h2, frame->hd.stream_id);
    if (stream == NULL) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* the stream is reset */
    }
    (void)!nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *user_data)
{
    struct psv_h2 *h2 = h2_from(user_data);
    struct psv_h2_stream *stream = psv_h2_stream_find(h2, frame->hd.stream_id);

    (void)session, (void)flags;
    if (stream == NULL) {
        return 0;
    }
    return psv_h2_request_add(stream, (struct psv_bytes){(const char *)name, name_len},
                              (struct psv_bytes){(const char *)value, value_len});
}

static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                             size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                             void *user_data)
{
    (void)session, (void)frame, (void)name, (void)name_len, (void)value, (void)value_len, (void)flags;
    (void)user_data;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* RFC 9113 8.1.1: malformed, PROTOCOL_ERROR */
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len,
                         void *user_data)
{
    struct psv_h2_stream *stream = psv_h2_stream_find(h2_from(user_data), id);

    (void)session, (void)flags;
    if (stream == NULL || stream->h2->is_failed) {
        return 0;
    }
    stream->exchange->bytes_received += len;
    restart_body_timer_unless_answering(stream);
    if (!stream->keeps_body) {
        return 0;
    }
    switch (psv_request_body_append(&stream->exchange->body, data, len)) {
    case PSV_OK:
        break;
    case PSV_ELIMIT:
        refuse(stream, 413, "request body too large");
        break;
    default:
        refuse(stream, 500, "request body cannot be stored");
    }
    return 0;
}

static void take_connection_frame(struct psv_h2 *h2, const nghttp2_frame *frame)
{
    bool is_ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;

    switch (frame->hd.type) {
    case NGHTTP2_PING:
        if (is_ack) {
            psv_h2_on_ping_ack(h2, frame->ping.opaque_data);
        }
        break;
    case NGHTTP2_SETTINGS:
        if (!is_ack && overflows_window(h2, h2->old_initial_window, &frame->settings)) {
            refuse_connection(h2, NGHTTP2_FLOW_CONTROL_ERROR);
        }
        break;
    case NGHTTP2_PRIORITY_UPDATE:
        if (((const nghttp2_ext_priority_update *)frame->ext.payload)->stream_id == 0) {
            refuse_connection(h2, NGHTTP2_PROTOCOL_ERROR); /* RFC 9218 7.1 */
        }
        break;
    default:
        break;
    }
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
    struct psv_h2 *h2 = h2_from(user_data);
    bool is_end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

    (void)session;
    if (h2->is_failed) {
        return 0;
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) {
        take_connection_frame(h2, frame);
        return 0;
    }
    struct psv_h2_stream *stream = psv_h2_stream_find(h2, frame->hd.stream_id);
    if (stream == NULL) {
        return 0;
    }
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        stream->exchange->bytes_received += PSV_H2_FRAME_HEADER_BYTES + frame->hd.length;
        psv_h2_request_finish_head(stream, is_end);
    }
    if (is_end) {
        end_request(stream);
    } else if (frame->hd.type == NGHTTP2_HEADERS) {
        restart_body_timer_unless_answering(stream);
    }
    return 0;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int code, void *user_data)
{
    (void)session, (void)frame, (void)code, (void)user_data;
    psv_metric_inc(PSV_METRIC_PARSER_ERRORS);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error_code, void *user_data)
{
    struct psv_h2_stream *stream = psv_h2_stream_find(h2_from(user_data), id);

    (void)session, (void)error_code;
    if (stream != NULL) {
        psv_h2_end_stream(stream, !stream->is_end_sent);
    }
    return 0;
}

void psv_h2_set_receive_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
}
