/* One request with its response on the loop thread: where a codec (below) and the pipeline (above) meet,
 * without knowing each other.  The codec fills `request`, calls the host; a handler fills `response` and
 * calls psv_exchange_respond. Everything here is [loop].
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/list.h"
#include "exec/body_piece.h"
#include "exec/request_body.h"
#include "http/request.h"
#include "http/response.h"
#include "os/ip_network.h"

struct psv_exchange;
struct psv_job;
struct psv_error_pages;
struct psv_extra_fields;
struct psv_trace;

/** What the codec can do for an exchange.  Implemented by http1/ and http2/. */
struct psv_exchange_codec {
    /** Frames exchange->response and sends it with these pieces (takes them).  is_last: no more will follow.
     */
    void (*respond)(struct psv_exchange *exchange, struct psv_list *pieces, bool is_last);
    /** Sends more of the body (takes the pieces; the list may be empty when is_last). */
    void (*send_body)(struct psv_exchange *exchange, struct psv_list *pieces, bool is_last);
    /** The response cannot be completed: the client must notice (connection or stream is reset). */
    void (*abort)(struct psv_exchange *exchange);
    /** An informational response (100, 103); ignored where the version has none.  headers may be NULL. */
    void (*inform)(struct psv_exchange *exchange, unsigned status, const struct psv_headers *headers);
};

/** Answer of on_head: what the codec does with the request body. */
enum psv_body_plan {
    PSV_BODY_KEEP, /* collect it in exchange->body, then call on_request (100 Continue is sent if expected) */
    PSV_BODY_IGNORE, /* the exchange was answered already (or will be without it): read and drop, or close */
};

/** What a site says about all answers to its requests; const, and outlives them. */
struct psv_exchange_site {
    const char *name;                             /* in logs and metrics */
    size_t metrics_site;                          /* its number there; sites of one name have the same */
    const struct psv_error_pages *error_pages;    /* exec/error_pages.h; NULL = the built-in ones */
    const struct psv_extra_fields *fields;        /* of every response; NULL = none */
    const struct psv_extra_fields *secure_fields; /* the same over TLS */
};

/** What the upper side does for the codec: one per listener kind (site, internal). */
struct psv_exchange_host {
    /** The head is complete and valid.  May answer at once (psv_exchange_respond) and return IGNORE. */
    enum psv_body_plan (*on_head)(struct psv_exchange *exchange);
    /** The body is complete (or there is none): dispatch.  Not called after IGNORE. */
    void (*on_request)(struct psv_exchange *exchange);
    /** bytes of response body have left for the kernel. */
    void (*on_sent)(struct psv_exchange *exchange, uint64_t bytes);
    /** The response is out (aborted = false) or the client is gone (true).  The codec forgets the exchange;
     * the host calls psv_exchange_free, now or, when a worker still holds the job, later. */
    void (*on_end)(struct psv_exchange *exchange, bool aborted);
    /** The response is about to be handed to the codec: the host may add fields.  NULL: it has none. */
    void (*on_respond)(struct psv_exchange *exchange);
    void *context;                        /* the host's own */
    const struct psv_exchange_site *site; /* until on_head has found another; NULL = none */
};

/** Peer and listener as text, shared by all exchanges of a connection; the connection outlives none of them,
 *  so the text is copied to the exchange's arena when a job needs it longer. */
struct psv_peer {
    char remote_address[46];
    bool has_remote_ip; /* it is no unix socket's */
    char local_address[46];
    uint16_t remote_port;
    uint16_t local_port;
    struct psv_ip remote_ip;     /* remote_address, for comparisons */
    const char *tls_protocol;    /* "TLSv1.3"; NULL without TLS.  Static */
    const char *tls_cipher;      /* static */
    const char *tls_server_name; /* what the client asked for, or NULL; lives as long as the connection */
};

/** Whoever sets remote_address calls this. */
static inline void psv_peer_read_ip(struct psv_peer *peer)
{
    peer->has_remote_ip = psv_ip_parse(psv_bytes_of(peer->remote_address), &peer->remote_ip) == PSV_OK;
}

/** A trusted proxy's may be as long; ours is half of it. */
#define PSV_REQUEST_ID_MAX 64

#define PSV_EXCHANGE_MAGIC 0x65786368u

struct psv_exchange {
    unsigned magic;
    struct psv_arena arena; /* request and job; the worker's alone while is_job_held */
    struct psv_arena
        late_arena; /* for answers that the loop makes while a worker holds `arena` (504); usually empty */
    struct psv_request_body body;
    struct psv_peer peer;                    /* what it was before, until the codec has set it */
    char request_id[PSV_REQUEST_ID_MAX + 1]; /* NUL-terminated */

    /* from here on a new exchange is zeroed */
    const struct psv_exchange_codec *codec;
    const struct psv_exchange_host *host;
    const struct psv_exchange_site *site; /* NULL = none */
    void *codec_stream;                   /* the codec's own; NULL once it has forgotten the exchange */
    struct psv_request request;
    struct psv_response response;

    struct psv_job *job;  /* while (and after) a worker runs it; owned by the exchange's arena */
    struct psv_list link; /* in the host's list of live exchanges (drain, deadlines) */

    void *host_state;          /* the host's own, on the arena; NULL until on_head */
    bool is_in_flight;         /* counted among the requests that are being answered */
    bool is_job_held;          /* a worker may touch arena, body and job */
    bool is_ended;             /* on_end has come: no codec any more */
    bool is_answered;          /* psv_exchange_respond was called */
    bool is_complete;          /* the last piece has been handed to the codec */
    bool must_close;           /* the connection closes after this response */
    bool is_user_checked;      /* the server itself has checked the user's password */
    uint64_t bytes_received;   /* head and body, as they came over the wire */
    uint64_t head_bytes_sent;  /* the head as text or frames, set by the codec */
    uint64_t bytes_sent;       /* response body bytes that left */
    uint64_t received_ns;      /* monotonic, first byte of the head */
    uint64_t received_unix_us; /* wall clock when the head was complete */
    uint64_t read_ns; /* monotonic, when the request was complete, or its head where that was the answer */
    uint64_t first_byte_ns;  /* monotonic, when the response was handed to the codec; 0 = not yet */
    bool shows_timing;       /* the client may see what a script's response took */
    struct psv_trace *trace; /* filter/trace_context.h; NULL = not traced */
    const char *refusal;     /* static text: why the server itself refused (log, metrics); NULL otherwise */
};

/** Exchanges are recycled with their first arena block: one pool per loop. */
struct psv_exchange_pool;
struct psv_exchange_pool *psv_exchange_pool_new(size_t arena_max_bytes, size_t max_spare);
void psv_exchange_pool_free(struct psv_exchange_pool *pool);
/** NULL when out of memory.  The codec sets peer; all other fields are zero or empty, but codec, host and
 * site.
 */
MUST_CHECK struct psv_exchange *psv_exchange_new(struct psv_exchange_pool *pool,
                                                 const struct psv_exchange_codec *codec,
                                                 const struct psv_exchange_host *host);
/** Frees everything on its arena and the body; the codec and the job's worker must be done with it. */
void psv_exchange_free(struct psv_exchange_pool *pool, struct psv_exchange *exchange);

/** Where answers are made: the exchange's arena, or late_arena while a worker holds the other. */
static inline struct psv_arena *psv_exchange_arena(struct psv_exchange *exchange)
{
    return exchange->is_job_held ? &exchange->late_arena : &exchange->arena;
}

/** What is sent with every response to this request; NULL = nothing. */
static inline const struct psv_extra_fields *psv_exchange_fields(const struct psv_exchange *exchange)
{
    if (exchange->site == NULL) {
        return NULL;
    }
    return exchange->peer.tls_protocol != NULL ? exchange->site->secure_fields : exchange->site->fields;
}

/** The site's own pages; NULL = the built-in ones. */
static inline const struct psv_error_pages *psv_exchange_pages(const struct psv_exchange *exchange)
{
    return exchange->site != NULL ? exchange->site->error_pages : NULL;
}

/** Starts the answer: exchange->response is filled.  Takes the pieces (list may be empty).  Once per
 * exchange. Does nothing but release the pieces when the client is gone already. */
void psv_exchange_respond(struct psv_exchange *exchange, struct psv_list *pieces, bool is_last);
void psv_exchange_send_body(struct psv_exchange *exchange, struct psv_list *pieces, bool is_last);
void psv_exchange_abort(struct psv_exchange *exchange);

/** Answers with a small page of the server's own: status, text/html or text/plain or JSON by Accept, extra
 * fields (may be NULL) such as Allow or Retry-After.  `reason` is for the log; static text.  Allocates on the
 * arena, or on late_arena while a worker holds the other.  After respond, send_body, abort and refuse the
 * exchange may be gone (on_end was called): callers do not touch it again, but for codecs' calls of on_head
 * and on_request, during which nothing ends. */
void psv_exchange_refuse(struct psv_exchange *exchange, unsigned status, const char *reason,
                         const struct psv_field *extra, unsigned extra_len);
