/* State of one HTTP/2 connection and its streams, shared by the files of this folder.  [loop]
 *
 * Nothing runs within a call of the library but its callbacks: what handlers ask for (respond, send_body,
 * abort) is handed to the library at once and written later, by the connection's task, once a turn.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdint.h>

#include "exec/exchange.h"
#include "http2/config.h"
#include "http2/guard.h"
#include "http2/stream_ids.h"
#include "net/connection.h"
#include "net/loop.h"

/* Output is made in portions of this size; a frame fits in whatever is left of it. */
#define PSV_H2_OUTPUT_BYTES ((size_t)64 * 1024)
#define PSV_H2_FRAME_HEADER_BYTES 9

/** What all connections of a loop share. */
struct psv_h2_shared {
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    size_t output_len;
    char output[PSV_H2_OUTPUT_BYTES]; /* used within one call of the task only */
};

#define PSV_H2_MAGIC 0x68327632u

struct psv_h2 {
    unsigned magic;
    struct psv_connection *connection;
    struct psv_h2_config *config;
    nghttp2_session *session;
    struct psv_list streams; /* of struct psv_h2_stream: those that have an exchange */
    unsigned streams_len;
    struct psv_list waiting;   /* streams whose request is complete and waits for its turn, by wait_link */
    unsigned unanswered_len;   /* streams whose request the host has and has not answered yet */
    unsigned dispatched_len;   /* the same and those whose answer is under way */
    uint64_t held_bytes;       /* of their bodies, not in frames yet */
    struct psv_loop_task task; /* writes what the library has to send, and looks whether all is done */
    struct psv_timer drain_timer;
    struct psv_h2_guard guard;
    struct psv_h2_stream_ids ids;
    uint32_t old_initial_window; /* of the client, before the SETTINGS frame that is being read */
    bool in_library;             /* a call of the library is up the stack */
    bool in_header_block;        /* HEADERS without END_HEADERS so far */
    bool is_lingering;           /* all is said; bytes of the peer are thrown away until it closes */
    bool is_abused;              /* a guard has ended the connection */
    bool has_progress;           /* frames moved since the timer was set */
    bool is_failed;              /* the library takes no more input */
    bool is_drain_announced;
    bool is_drain_finished; /* the final GOAWAY is submitted */
};

#define PSV_H2_STREAM_MAGIC 0x68327374u

struct psv_h2_stream {
    unsigned magic;
    int32_t id;
    struct psv_h2 *h2;
    struct psv_exchange *exchange;
    struct psv_list link;      /* in h2->streams */
    struct psv_list wait_link; /* in h2->waiting */
    struct psv_timer timer;    /* in config->body_timer or config->stall_timer */
    size_t header_bytes;       /* names and values so far; of the head, then of the trailers */
    size_t field_bytes;        /* of the head's fields, as text */
    unsigned refusal_status;   /* the head broke a limit: the rest of it is dropped, then this is answered */
    const char *refusal_reason;
    struct psv_list pieces; /* of the response body, not yet in frames */
    uint64_t pieces_len;
    uint64_t body_left; /* with a Content-Length: bytes still owed */
    bool has_length;    /* the response has a Content-Length */
    bool has_no_body;   /* HEAD, 204, 304: pieces are dropped */
    bool head_is_done;  /* the request's */
    bool keeps_body;    /* on_head said so */
    bool has_ended;     /* END_STREAM of the client has come */
    bool is_dispatched; /* counted in h2->dispatched_len, its body in h2->held_bytes */
    bool is_unanswered; /* counted in h2->unanswered_len */
    bool has_responded; /* final head submitted */
    bool is_last;       /* no more pieces will come */
    bool is_deferred;   /* the library waits for psv_h2 to resume it */
    bool is_end_sent;   /* END_STREAM of ours has gone */
    bool is_aborted;    /* reset by us because the response cannot be completed */
};

extern const struct psv_exchange_codec psv_h2_exchange_codec;

/** Runs the task later in this turn. */
void psv_h2_schedule(struct psv_h2 *h2);
/** Ends the connection: GOAWAY with ENHANCE_YOUR_CALM, counted in the given series (an enum psv_metric_id)
 * and logged as kind. */
void psv_h2_punish(struct psv_h2 *h2, unsigned series, const char *kind);
/** Ends the connection with GOAWAY because of what the client sent (RFC 9113 5.4.1). */
void psv_h2_terminate(struct psv_h2 *h2, uint32_t error_code);
/** Takes a token of the kind, or punishes. */
void psv_h2_spend(struct psv_h2 *h2, enum psv_h2_guard_kind kind);

/** The round trip after a drain's announcement is over: says which stream was the last. */
void psv_h2_finish_drain(struct psv_h2 *h2);
void psv_h2_on_ping_ack(struct psv_h2 *h2, const uint8_t *opaque);

/* receive.c: callbacks of the library */
void psv_h2_set_receive_callbacks(nghttp2_session_callbacks *callbacks);
void psv_h2_end_stream(struct psv_h2_stream *stream, bool is_aborted);
psv_timer_fn psv_h2_on_body_timer;
/** The client says nothing more: requests whose bodies are not whole never will be.  The others are answered.
 */
void psv_h2_give_up_bodies(struct psv_h2 *h2);

/** Hands waiting requests to the host as far as the limits allow. */
void psv_h2_dispatch_waiting(struct psv_h2 *h2);
/** The answer has begun, or will never. */
void psv_h2_note_answered(struct psv_h2_stream *stream);
/** bytes of the body were added (or, negative, have left). */
static inline void psv_h2_note_held(struct psv_h2_stream *stream, int64_t bytes)
{
    stream->pieces_len = (uint64_t)((int64_t)stream->pieces_len + bytes);
    if (stream->is_dispatched) { /* a file that is sent as it lies there costs no memory */
        stream->h2->held_bytes = (uint64_t)((int64_t)stream->h2->held_bytes + bytes);
    }
}

/* request.c */
/** Takes one field of the request's head. 0 or NGHTTP2_ERR_*. */
int psv_h2_request_add(struct psv_h2_stream *stream, struct psv_bytes name, struct psv_bytes value);
/** Checks the head and hands it to the host, or refuses it. */
void psv_h2_request_finish_head(struct psv_h2_stream *stream, bool is_end);

/* respond.c */
void psv_h2_set_send_callbacks(nghttp2_session_callbacks *callbacks);
psv_timer_fn psv_h2_on_stall_timer;
/** The client says nothing more, and all that its windows allow has been sent: resets the streams whose rest
 * would need more window.  Those that still wait for their answer go on. */
void psv_h2_give_up_unreadable(struct psv_h2 *h2);

static inline struct psv_h2_stream *psv_h2_stream_find(struct psv_h2 *h2, int32_t id)
{
    return (struct psv_h2_stream *)nghttp2_session_get_stream_user_data(h2->session, id);
}
