/* Where a worker's output goes: head and body are collected into parts, and parts are posted to the loop's
 * mailbox.  Most responses are one part that lives inside the job: nothing is allocated for them.
 *
 *   OPEN --flush: HEAD--> STREAMING --flush: (body)--> STREAMING
 *   OPEN --write past memory_max: HEAD--> STREAMING --write: (body)--> STREAMING
 *   OPEN --finish: HEAD|END--> FINISHED,  STREAMING --finish: END--> FINISHED
 *   release: RELEASE together with END, or in a part of its own when the response was finished earlier
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "exec/body_piece.h"
#include "exec/body_filter.h"
#include "exec/body_injection.h"
#include "exec/response_body.h"
#include "http/headers.h"

struct psv_job;
struct psv_mailbox;

enum psv_part_flag {
    PSV_PART_HEAD = 1, /* status and fields of the sink are valid: start the response */
    PSV_PART_END = 2,  /* the response is complete with this part */
    PSV_PART_FAILED =
        4, /* with END: the response cannot be completed.  Together with HEAD: fewer bytes were written than
              the application promised; the body is there and shorter than content_length.  Neither in this
              nor in an earlier part a HEAD: there is no response at all, the server answers 500 itself */
    PSV_PART_RELEASE = 8, /* the worker will not touch the job any more */
    PSV_PART_INFORM = 16, /* alone: an informational response (exec/informational.h) */
};

/** What travels through the mailbox. */
struct psv_response_part {
    struct psv_body_piece piece; /* made from body when the part is posted; len 0 = no body bytes */
    struct psv_response_body body;
    struct psv_job *job;
    unsigned flags;
    uint64_t held_bytes; /* in the account of waiting bodies */
    bool is_heap;        /* freed with its piece; else it is one of the three in the sink */
};

enum psv_sink_state { PSV_SINK_OPEN, PSV_SINK_STREAMING, PSV_SINK_FINISHED };

struct psv_response_sink {
    struct psv_job *job;
    struct psv_mailbox *mailbox;
    struct psv_response_part *current; /* the part being filled; NULL after a flush until the next write */
    enum psv_sink_state state;
    int failure; /* why output was lost: 0 or PSV_E*; such a response is never "complete" */
    bool has_head;
    bool head_is_posted;
    unsigned status;
    const struct psv_field *fields; /* copied, on the job's arena; without Content-Length */
    unsigned fields_len;
    int64_t content_length; /* promised by the application; -1 = none.  Once the head is posted the loop
                               reads it while the worker runs, and nobody writes it any more */
    size_t memory_max;      /* threshold of a part's body */
    uint64_t written_bytes; /* by the application, dropped ones included; fixed once END is posted */
    uint64_t posted_bytes;  /* [worker] handed to the loop so far */
    const struct psv_body_injection *injection; /* of development mode; NULL: none */
    struct psv_body_encoder *injector;          /* of this response, before the encoder; NULL: none */
    const struct psv_body_filter *filter;       /* how bodies are encoded; NULL: as they are */
    struct psv_body_encoder *encoder;           /* of this response, once it is decided */
    bool is_encoded;               /* the head says so (of an answer to HEAD: the one to GET would) */
    uint64_t window_bytes;         /* a flush waits while posted - taken exceeds this */
    uint64_t patience_ns;          /* so long does a write still wait before it puts the body by */
    struct psv_response_part part; /* the first; the only one unless the script flushes or finishes early */
    struct psv_response_part end_part;     /* END of a streamed response that has nothing more to say */
    struct psv_response_part release_part; /* RELEASE after an early END */
    _Atomic uint64_t taken_bytes;          /* [loop] written: what has left for the client; the credits */
    _Atomic uint32_t
        credit_futex; /* bumped (by 2) with taken_bytes or when the client goes; bit 0: a flush waits */
};

/** memory_max: bytes of a body in memory; one that grows larger is sent on while it is written, as long as no
 * more than window_bytes are under way to the client, and what it does not take fast enough goes to a memfd.
 * A flush waits for the window.  [loop], before the job is queued */
void psv_sink_init(struct psv_response_sink *sink, struct psv_job *job, struct psv_mailbox *mailbox,
                   size_t memory_max, uint64_t window_bytes);

/** An empty part of this sink's job, on the way to the loop.  [worker] */
void psv_sink_init_part(struct psv_response_sink *sink, struct psv_response_part *part);

/* [worker]: contracts in phpsrv/message.h.  Beyond them:
 *   respond: PSV_EINVAL unless 200 <= status <= 999, PSV_ENOMEM; PSV_EEXIST also after finish.
 *   write:   ignored with 0 after finish.  After a failure every further one is refused with the same code.
 *            Of a response that has a head and outgrows its memory it posts parts, and waits for
 *            the client as long as that one keeps up, about 2 Gbit/s.
 *   flush:   0 after finish; PSV_EINVAL without a head.
 * What the application writes past its promised Content-Length is cut; writing less than promised ends the
 * response as FAILED (the client must not take a truncated body for a whole one).  Neither applies to HEAD
 * requests and to statuses without a body: their bytes are counted and dropped. */
MUST_CHECK int psv_sink_respond(struct psv_response_sink *sink, unsigned status,
                                const struct psv_field *fields, unsigned fields_len);
MUST_CHECK int psv_sink_discard(struct psv_response_sink *sink);
MUST_CHECK int psv_sink_write(struct psv_response_sink *sink, const void *data, size_t len);
MUST_CHECK int psv_sink_flush(struct psv_response_sink *sink);
void psv_sink_finish(struct psv_response_sink *sink, bool failed);
/** Posts RELEASE (finishing first if need be): the job belongs to the loop from here on. */
void psv_sink_release(struct psv_response_sink *sink);
/** The same for a job that never ran: RELEASE alone, no response. */
void psv_sink_release_unused(struct psv_response_sink *sink);

/* [loop] */
/** bytes more have left for the client: a waiting flush may go on. */
void psv_sink_credit(struct psv_response_sink *sink, uint64_t bytes);
/** Ends waiting: the client is gone. */
void psv_sink_wake(struct psv_response_sink *sink);
/** The body's bytes as a piece to send (released by freeing body memory, memfd and, if it is on the heap, the
 * part itself). To be called once for every part that came through the mailbox, also for one without bytes
 * (then the piece is empty). */
struct psv_body_piece *psv_part_piece(struct psv_response_part *part);
