/* A client connection: owns the socket, its output queue and its one running timeout; hands bytes to a codec
 * and takes bytes from it.  Knows no HTTP.  Everything is [loop].
 *
 * Life: psv_connection_open -> codec callbacks -> psv_connection_close (by anybody) -> codec->on_close, once
 * -> the memory goes at the end of the loop's turn, so that callers up the stack may still look at is_closed.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/list.h"
#include "exec/body_piece.h"
#include "exec/exchange.h"
#include "net/loop.h"
#include "net/timer.h"

struct psv_client;
struct psv_client_limit;
struct psv_connection;
struct psv_ip_networks;
struct psv_layer;
struct psv_tls;
struct psv_service;

/* Why a connection ended; X(id, series of the closed-connections metric). */
#define PSV_CLOSE_TABLE(X)                                                                                   \
    X(DONE, SERVER)                                                                                          \
    X(PEER, CLIENT)                                                                                          \
    X(HEADER_TIMEOUT, TIMEOUT)                                                                               \
    X(BODY_TIMEOUT, TIMEOUT)                                                                                 \
    X(KEEPALIVE_TIMEOUT, TIMEOUT)                                                                            \
    X(WRITE_TIMEOUT, TIMEOUT)                                                                                \
    X(LINGER_TIMEOUT, TIMEOUT)                                                                               \
    X(PROTOCOL, ERROR)                                                                                       \
    X(ABORTED, ABORT)                                                                                        \
    X(DRAIN, DRAIN)                                                                                          \
    X(LIMIT, LIMIT)                                                                                          \
    X(INTERNAL, ERROR)

enum psv_close_reason {
#define X(id, series) PSV_CLOSE_##id,
    PSV_CLOSE_TABLE(X)
#undef X
        PSV_CLOSE_COUNT
};

/** What a protocol implements over a connection.  The codec's state is made by on_open and freed by on_close.
 */
struct psv_codec {
    const char *name;
    /** The first bytes of every connection that speaks it; empty for the codec that takes all others. */
    struct psv_bytes preface;
    /** Sets connection->codec_state; 0 or PSV_ENOMEM (then the connection is closed without on_close). */
    int (*on_open)(struct psv_connection *connection);
    /** Bytes arrived; data is the loop's buffer, or what lend_room has lent: valid, and the codec's to
     * change, during the call. */
    void (*on_data)(struct psv_connection *connection, char *data, size_t len);
    /** Where the next bytes belong, if that is known: at most *len of them are read to there and come with
     * on_data at that place, which the codec may free meanwhile.  NULL: anywhere.  May be NULL itself. */
    char *(*lend_room)(struct psv_connection *connection, size_t *len);
    /** The peer will send no more (FIN); it may still read. */
    void (*on_eof)(struct psv_connection *connection);
    /** bytes of pieces (not of framing) have left; is_drained: the output queue is empty now.  Never called
     * from within psv_connection_send. */
    void (*on_sent)(struct psv_connection *connection, uint64_t bytes, bool is_drained);
    void (*on_timeout)(struct psv_connection *connection, struct psv_timer_queue *queue);
    /** Last call.  All pieces have been released. */
    void (*on_close)(struct psv_connection *connection, enum psv_close_reason reason);
    /** The server stops: what has begun is finished, nothing new is taken; then the codec closes. */
    void (*drain)(struct psv_connection *connection);
    /** Closes the connection that has been idle longest, to make room for a new one; false when none is idle.
     */
    bool (*close_idle_one)(struct psv_service *service);
    /** Writes what a client gets for whom there is no room: with 503 nobody has any, with 429 this one has
     * had its share.  Returns its length. */
    size_t (*format_overload)(struct psv_service *service, unsigned status, char *out, size_t out_size);
};

/** One per listener: what its connections have in common. */
struct psv_service {
    struct psv_loop *loop;
    const struct psv_codec *codec;         /* spoken when the first bytes are nobody's preface */
    void *codec_config;                    /* its limits and timers */
    const struct psv_codec *preface_codec; /* chosen by its preface or by ALPN; NULL: there is none */
    void *preface_codec_config;
    struct psv_timer_queue *idle_timer;   /* before the first byte */
    struct psv_timer_queue *header_timer; /* within a preface; before the first byte while the server stops */
    struct psv_timer_queue *drain_timer;  /* kept connections that are idle while the server stops */
    bool is_draining;
    const struct psv_layer *layer;
    const struct psv_layer *inner_layer;   /* behind layer_proxy */
    const struct psv_ip_networks *proxies; /* who may send its header; none: everybody.  Borrowed */
    struct psv_tls *tls;                   /* for layer_tls; borrowed */
    const struct psv_exchange_host *host;
    struct psv_client_limit *client_limit; /* of connections of one client; NULL = none; borrowed */
    struct psv_list connections;           /* live ones */
    unsigned connections_len;
    bool is_counted; /* in the metrics: scrapes are no traffic */
};

/** What TLS agreed upon (RFC 7301). */
enum psv_alpn { PSV_ALPN_NONE, PSV_ALPN_HTTP1, PSV_ALPN_HTTP2 };

#define PSV_CONNECTION_MAGIC 0x636f6e6eu

struct psv_connection {
    unsigned magic;
    int fd;
    struct psv_service *service;
    const struct psv_layer *layer;
    void *layer_state;              /* the layer's own */
    struct psv_loop_task read_task; /* reads what the layer holds already */
    const struct psv_codec *codec;  /* until it is known which: psv_codec_chooser */
    void *codec_state;
    enum psv_alpn alpn;          /* set by the layer before the first data */
    uint8_t preface_len;         /* bytes of the preface seen so far by the chooser */
    struct psv_list link;        /* in service->connections */
    struct psv_loop_task burial; /* frees the memory at the end of the turn that closed it */
    struct psv_list out;         /* unsent pieces, struct psv_body_piece */
    struct psv_timer timer;
    struct psv_timer_queue *timer_queue; /* the one the timer runs in */
    struct event event;
    bool is_closed;
    bool wants_write;       /* the socket was full: waiting for EV_WRITE */
    bool layer_wants_write; /* the layer's own bytes wait for the socket (a handshake) */
    bool has_pending_input; /* the layer holds bytes, or an end, that no event will announce */
    bool is_secured;        /* the handshake is done */
    bool is_broken;         /* the layer failed: it has nothing to say any more */
    bool is_read_paused;
    bool has_eof;
    struct psv_client *client; /* whose share it counts for; NULL = nobody's */
    struct psv_peer peer;
};

/** Takes fd and client (may be NULL).  0, or PSV_ENOMEM (fd is closed then). */
MUST_CHECK int psv_connection_open(struct psv_service *service, int fd, const struct psv_peer *peer,
                                   struct psv_client *client_take);
/** Tells who is too many so on its new socket (see format_overload), as far as that costs nothing: over TLS
 * nothing is said, the handshake would be the price. */
void psv_service_tell_overload(struct psv_service *service, int fd, unsigned status);
void psv_connection_close(struct psv_connection *connection, enum psv_close_reason reason);
/** Closes, and lets the peer see a reset instead of an orderly end: a truncated response must be noticed. */
void psv_connection_reset(struct psv_connection *connection, enum psv_close_reason reason);

/** The layer's reading waits for room in the socket, or no more. */
void psv_connection_want_layer_write(struct psv_connection *connection, bool wants_write);

/** What came of psv_connection_send. */
struct psv_send_result {
    uint64_t bytes;  /* piece bytes that have left for the kernel during the call */
    bool is_drained; /* nothing is queued */
    bool is_gone;    /* the peer is gone: the caller closes the connection */
};

/** Sends head, pieces (taken; released when sent) and tail, as far as the socket takes them now; queues the
 * rest. head and tail are copied if they must wait.  Never calls back into the codec. */
struct psv_send_result psv_connection_send(struct psv_connection *connection, struct psv_bytes head,
                                           struct psv_list *pieces, struct psv_bytes tail);
static inline bool psv_connection_is_drained(const struct psv_connection *connection)
{
    return psv_list_is_empty(&connection->out);
}

/** The server stops and this connection is idle.  If it has been for as long as grace (the drain timer for a
 * kept connection) and nothing has come, it is closed, else it gets that time: its next request may be on its
 * way already, and would be lost. */
void psv_connection_end_idle(struct psv_connection *connection, struct psv_timer_queue *grace);

/** For layers: what they needed themselves is over, the client's first byte is awaited. */
void psv_connection_await_first(struct psv_connection *connection);

/** Tells every connection's codec that the server stops. */
void psv_service_drain(struct psv_service *service);

/** The codec of a connection whose protocol is not known yet: waits for the first bytes, then opens the
 *  service's codec or its preface_codec in its place. */
extern const struct psv_codec psv_codec_chooser;

/** Stops reading (back-pressure towards the client) or goes on. */
void psv_connection_pause_read(struct psv_connection *connection, bool is_paused);
/** Sends FIN; reading goes on. */
void psv_connection_shutdown_write(struct psv_connection *connection);

/** Starts or restarts the one timer of the connection; NULL stops it.  on_timeout tells which queue it was.
 *  The queue must have psv_connection_on_timer as its callback. */
void psv_connection_set_timer(struct psv_connection *connection, struct psv_timer_queue *queue);
psv_timer_fn psv_connection_on_timer;
