/* One port, several protocols: what TLS agreed upon or else the first bytes decide (RFC 9113 3.3 and 3.4).
 * Until then a connection costs no codec state.  Knows of protocols only their prefaces.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#include "connection.h"

#include <string.h>

#include "base/error.h"
#include "net/layer.h"
#include "observe/metrics.h"

#define PREFACE_BYTES_MAX 32

static int on_open(struct psv_connection *connection)
{
    bool has_handshake = connection->layer->open != NULL;

    psv_connection_set_timer(connection, has_handshake ? connection->service->header_timer
                                                       : connection->service->idle_timer);
    return PSV_OK;
}

/* False when there was no memory: the connection is closed then. */
static bool choose(struct psv_connection *connection, const struct psv_codec *codec)
{
    if (connection->service->is_draining && connection->preface_len == 0) {
        psv_connection_set_timer(connection, NULL); /* the limit on the header begins with its first byte */
    }
    connection->codec = codec;
    if (codec->on_open(connection) != PSV_OK) {
        connection->codec = &psv_codec_chooser; /* there is no state to free */
        psv_connection_close(connection, PSV_CLOSE_INTERNAL);
        return false;
    }
    return true;
}

/* Hands on what was taken for the beginning of a preface, then the rest. */
static void go_on(struct psv_connection *connection, struct psv_bytes seen, char *data, size_t len)
{
    char copy[PREFACE_BYTES_MAX];

    if (seen.len > 0) {
        memcpy(copy, seen.data, seen.len);
        connection->codec->on_data(connection, copy, seen.len);
    }
    if (len > 0 && !connection->is_closed) {
        connection->codec->on_data(connection, data, len);
    }
    if (connection->service->is_draining && !connection->is_closed) {
        connection->codec->drain(connection); /* what came now is answered, nothing after it */
    }
}

static void on_data(struct psv_connection *connection, char *data, size_t len)
{
    const struct psv_service *service = connection->service;
    bool has_choice = service->preface_codec != NULL && connection->alpn != PSV_ALPN_HTTP1;
    struct psv_bytes preface = has_choice ? service->preface_codec->preface : PSV_BYTES_EMPTY;
    struct psv_bytes seen = {preface.data, connection->preface_len};
    size_t compared = MIN(len, preface.len - seen.len);

    if (!has_choice || connection->alpn == PSV_ALPN_HTTP2) {
        /* agreed upon: a wrong preface is that codec's to refuse */
        if (choose(connection, has_choice ? service->preface_codec : service->codec)) {
            go_on(connection, PSV_BYTES_EMPTY, data, len);
        }
    } else if (memcmp(preface.data + seen.len, data, compared) != 0) {
        if (choose(connection, service->codec)) {
            go_on(connection, seen, data, len);
        }
    } else if (seen.len + compared == preface.len) {
        if (choose(connection, service->preface_codec)) {
            go_on(connection, seen, data, len);
        }
    } else {
        connection->preface_len = (uint8_t)(seen.len + compared);
        if (seen.len == 0) {
            psv_connection_set_timer(connection, service->header_timer);
        }
    }
}

static void on_eof(struct psv_connection *connection)
{
    psv_connection_close(connection, PSV_CLOSE_PEER);
}

static void on_sent(struct psv_connection *connection, uint64_t bytes, bool is_drained)
{
    (void)connection, (void)bytes, (void)is_drained;
}

/* The layer is busy with itself: a handshake, a header of the PROXY protocol. */
static bool is_in_handshake(const struct psv_connection *connection)
{
    return connection->layer->open != NULL && !connection->is_secured;
}

static void on_timeout(struct psv_connection *connection, struct psv_timer_queue *queue)
{
    bool is_idle = queue == connection->service->idle_timer;

    if (connection->service->is_draining && connection->preface_len == 0 && !is_in_handshake(connection)) {
        psv_connection_close(connection, PSV_CLOSE_DRAIN);
        return;
    }
    if (!is_idle && connection->layer == &psv_layer_tls && !connection->is_secured) {
        psv_metric_inc(PSV_METRIC_TLS_HANDSHAKES_FAILED);
        psv_metric_inc(PSV_METRIC_TLS_FAILURES_TIMEOUT);
    }
    psv_metric_inc(is_idle ? PSV_METRIC_TIMEOUTS_KEEPALIVE : PSV_METRIC_TIMEOUTS_HEADER);
    psv_connection_close(connection, is_idle ? PSV_CLOSE_KEEPALIVE_TIMEOUT : PSV_CLOSE_HEADER_TIMEOUT);
}

static void on_close(struct psv_connection *connection, enum psv_close_reason reason)
{
    (void)connection, (void)reason;
}

/* Clients repeat by themselves what they sent on a kept connection that turns out to be closed (RFC 9112
 * 9.3.1), and seldom what they sent on a new one: that has as long for its first byte as for a header.  What
 * has begun already, a handshake or a preface, keeps its limit. */
static void drain(struct psv_connection *connection)
{
    if (connection->timer_queue != connection->service->header_timer) {
        psv_connection_end_idle(connection, connection->service->header_timer);
    }
}

const struct psv_codec psv_codec_chooser = {
    .name = "undecided",
    .on_open = on_open,
    .on_data = on_data,
    .on_eof = on_eof,
    .on_sent = on_sent,
    .on_timeout = on_timeout,
    .on_close = on_close,
    .drain = drain,
};
