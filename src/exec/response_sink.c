/* A worker's output on its way to the loop; see response_sink.h for the states.  Everything above the line is
 * [worker]. Knows nothing of framing, connections or PHP.
 *
 * Who may touch what: a part belongs to the worker until it is posted, then to the loop.  The head (status,
 * fields, content_length) does not change after the part with HEAD, written_bytes not after END.  Posting
 * publishes: the mailbox's ring releases, its taking acquires.  Nothing of the sink is touched after the post
 * with RELEASE: the loop may have freed it by then.
 *
 * SPDX-License-Identifier: MIT */
#include "response_sink.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "exec/job.h"
#include "exec/mailbox.h"
#include "exec/response_coding.h"
#include "exec/response_memory.h"
#include "http/status.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/thread.h"

/* Body bytes on the job's arena: what is left of its block, up to this; less than the minimum is not worth
 * it. */
#define INLINE_BYTES_MAX ((size_t)4096)
#define INLINE_BYTES_MIN ((size_t)256)
/* Left free for the response's fields when they are not there yet. */
#define INLINE_RESERVE_BYTES ((size_t)1024)
/* Alignment and the arena's gap under AddressSanitizer. */
#define INLINE_SLACK_BYTES ((size_t)64)
/* Body bytes that lie next to a part on the heap: a usual event of a stream needs one allocation. */
#define HEAP_PART_BYTES ((size_t)1024)
/* A response that has outgrown its memory is sent on in parts of this size: they stay in the processor's
 * cache. */
#define SEND_ON_BYTES ((size_t)256 * 1024)
/* So long a worker waits for a client that does not take them as fast as they are made, and so much longer
 * for each that it has taken (2 Gbit/s). */
#define SEND_ON_PATIENCE_NS (10 * PSV_NS_PER_MS)
#define SEND_ON_PATIENCE_PART_NS (1 * PSV_NS_PER_MS)
/* The least that is put by in one piece. */
#define PUT_BY_BYTES ((uint64_t)16 * 1024 * 1024)

#define CREDIT_WAITS UINT32_C(1)
#define CREDIT_STEP UINT32_C(2)

struct heap_part {
    struct psv_response_part part;
    char bytes[HEAP_PART_BYTES];
};

void psv_sink_init_part(struct psv_response_sink *sink, struct psv_response_part *part)
{
    memset(&part->piece, 0, sizeof(part->piece));
    psv_list_init(&part->piece.link);
    part->piece.fd = -1;
    psv_response_body_init(&part->body, NULL, 0, psv_response_memory_threshold(sink->memory_max));
    part->held_bytes = 0;
    part->job = sink->job;
    part->flags = 0;
    part->is_heap = false;
}

void psv_sink_init(struct psv_response_sink *sink, struct psv_job *job, struct psv_mailbox *mailbox,
                   size_t memory_max, uint64_t window_bytes)
{
    sink->job = job;
    sink->mailbox = mailbox;
    sink->current = &sink->part;
    sink->state = PSV_SINK_OPEN;
    sink->failure = PSV_OK;
    sink->has_head = false;
    sink->head_is_posted = false;
    sink->status = 0;
    sink->fields = NULL;
    sink->fields_len = 0;
    sink->content_length = -1;
    sink->memory_max = memory_max;
    sink->written_bytes = 0;
    sink->posted_bytes = 0;
    sink->window_bytes = window_bytes;
    sink->patience_ns = SEND_ON_PATIENCE_NS;
    sink->injection = NULL;
    sink->injector = NULL;
    sink->filter = NULL;
    sink->encoder = NULL;
    sink->is_encoded = false;
    psv_sink_init_part(sink, &sink->part); /* the other two when they are needed */
    atomic_init(&sink->taken_bytes, 0);
    atomic_init(&sink->credit_futex, 0);
}

/* ---- body */

/* False: bytes are only counted. */
static bool keeps_body(const struct psv_response_sink *sink)
{
    return !sink->job->message.is_head && !(sink->has_head && psv_status_is_bodiless(sink->status));
}

static bool is_gone(const struct psv_response_sink *sink)
{
    return psv_job_is_gone(sink->job);
}

/* Room for a small body from the job's arena, if its block has enough left. */
static void lend_inline_memory(struct psv_response_sink *sink, size_t len)
{
    struct psv_arena *arena = sink->job->arena;
    size_t left = arena->end != NULL ? (size_t)(arena->end - arena->next) : 0;
    size_t reserve = INLINE_SLACK_BYTES + (sink->has_head ? 0 : INLINE_RESERVE_BYTES);

    if (left < reserve + INLINE_BYTES_MIN) {
        return;
    }
    size_t room = MIN(left - reserve, INLINE_BYTES_MAX);
    char *memory = len <= room ? psv_arena_alloc_text(arena, room) : NULL;
    if (memory != NULL) {
        psv_response_body_init(&sink->part.body, memory, room, sink->part.body.memory_max);
    }
}

static int new_heap_part(struct psv_response_sink *sink)
{
    struct heap_part *heap = psv_malloc(sizeof(*heap));

    if (heap == NULL) {
        return PSV_ENOMEM;
    }
    psv_sink_init_part(sink, &heap->part);
    psv_response_body_init(&heap->part.body, heap->bytes, sizeof(heap->bytes), heap->part.body.memory_max);
    heap->part.is_heap = true;
    sink->current = &heap->part;
    return PSV_OK;
}

static int append(struct psv_response_sink *sink, const void *data, size_t len)
{
    if (sink->current == NULL) {
        int code = new_heap_part(sink);
        if (code != PSV_OK) {
            return code;
        }
    }
    struct psv_response_body *body = &sink->current->body;
    if (sink->current == &sink->part && body->memory == NULL) {
        lend_inline_memory(sink, len);
    }
    return psv_response_body_append(body, data, len);
}

/* ---- handing over */

/* Of the part's body, len bytes; returns the length of the coded form. */
static uint64_t encode(struct psv_response_sink *sink, struct psv_body_encoder *encoder,
                       struct psv_response_part *part, uint64_t len, enum psv_body_end end)
{
    if (sink->failure != PSV_OK || is_gone(sink)) {
        return len;
    }
    sink->failure = psv_sink_encode_part(sink, encoder, part, len, end);
    if (!sink->head_is_posted) {   /* afterwards the loop may be reading it, and it was none already */
        sink->content_length = -1; /* it was the plain form's, and complete */
    }
    return psv_response_body_len(&part->body);
}

/* Makes the part's piece; a body that must not or cannot be sent is dropped. */
static void seal_part(struct psv_response_sink *sink, struct psv_response_part *part, enum psv_body_end end)
{
    struct psv_response_body *body = &part->body;
    struct psv_body_piece *piece = &part->piece;

    if (is_gone(sink) || !keeps_body(sink) || (sink->failure != PSV_OK && !sink->head_is_posted)) {
        psv_response_body_fini(body);
    } else if (psv_response_body_seal(body) != PSV_OK) {
        sink->failure = PSV_EIO;
        psv_response_body_fini(body);
    }
    uint64_t len = psv_response_body_len(body);
    if (sink->content_length >= 0 && len > 0) {
        /* written before the promise was made */
        len = MIN(len, (uint64_t)sink->content_length - sink->posted_bytes);
    }
    if (sink->injector != NULL) {
        len = encode(sink, sink->injector, part, len, end);
    }
    if (sink->encoder != NULL) {
        len = encode(sink, sink->encoder, part, len, end);
    }
    piece->data = body->fd < 0 ? body->memory : NULL;
    piece->fd = body->fd;
    piece->offset = 0;
    piece->len = len;
    part->held_bytes = psv_response_body_holds_memory(body) ? len : 0;
    psv_response_memory_hold(part->held_bytes);
    sink->posted_bytes += len;
}

static bool has_bytes(const struct psv_response_part *part)
{
    return part != NULL && psv_response_body_len(&part->body) > 0;
}

/* The part in hand goes to the loop: PSV_OK, or why it stays here for END. */
static int post_part(struct psv_response_sink *sink)
{
    struct psv_response_part *part = sink->current;

    if (!sink->head_is_posted) {
        psv_sink_decide_coding(sink, false, 0);
    }
    seal_part(sink, part, PSV_BODY_FLUSH);
    if (sink->failure != PSV_OK) {
        return sink->failure;
    }
    part->flags = sink->head_is_posted ? 0 : PSV_PART_HEAD;
    sink->head_is_posted = true;
    sink->state = PSV_SINK_STREAMING;
    sink->current = NULL;
    psv_mailbox_post(sink->mailbox, part);
    return PSV_OK;
}

/* Posted, and not with the client yet. */
static uint64_t under_way(const struct psv_response_sink *sink)
{
    /* relaxed: who waits for it has ordered it, for others a little late does no harm */
    return sink->posted_bytes - atomic_load_explicit(&sink->taken_bytes, memory_order_relaxed);
}

static bool has_credit(const struct psv_response_sink *sink)
{
    return under_way(sink) <= sink->window_bytes;
}

/* Waits until the client has taken enough of what was posted: PSV_OK, PSV_EGONE; PSV_ETIMEOUT at until_ns
 * (monotonic; 0: never). */
static int wait_for_credit(struct psv_response_sink *sink, uint64_t until_ns)
{
    int code = PSV_OK;

    for (;;) {
        /* acq_rel pairs with the bump in wake: either this comes second and sees taken_bytes and is_gone as
         * they were before the bump, or the bump comes second, finds the bit and changes the word that the
         * futex compares */
        uint32_t word = atomic_fetch_or_explicit(&sink->credit_futex, CREDIT_WAITS, memory_order_acq_rel);
        if (is_gone(sink)) {
            code = PSV_EGONE;
            break;
        }
        if (has_credit(sink)) {
            break;
        }
        if (until_ns != 0 && psv_clock_monotonic_ns() >= until_ns) {
            code = PSV_ETIMEOUT;
            break;
        }
        (void)psv_futex_wait(&sink->credit_futex, word | CREDIT_WAITS, until_ns);
    }
    atomic_fetch_and_explicit(&sink->credit_futex, ~CREDIT_WAITS,
                              memory_order_relaxed); /* publishes nothing */
    return code;
}

/* ---- what has outgrown its memory */

static uint64_t part_len(const struct psv_response_sink *sink)
{
    return sink->current != NULL ? psv_response_body_len(&sink->current->body) : 0;
}

/* Bytes of the part in hand from which on it is sent although the application has not flushed. */
static uint64_t part_goal(const struct psv_response_sink *sink)
{
    bool is_file = sink->current != NULL && sink->current->body.fd >= 0;

    return sink->head_is_posted && !is_file ? MIN(SEND_ON_BYTES, sink->memory_max) : sink->memory_max;
}

/* Nearly all that is ever written: it fits into the memory that is there.  What is sent on is looked after by
 * append_and_send_on. */
static bool put(const struct psv_response_sink *sink, const void *data, size_t len)
{
    return sink->current != NULL && !sink->head_is_posted &&
           psv_response_body_put(&sink->current->body, data, len);
}

/* Waits a moment for a client that has fallen behind; true: it has caught up. */
static bool waits_with_success(struct psv_response_sink *sink)
{
    uint64_t started_ns = psv_clock_monotonic_ns();
    bool has_caught_up = wait_for_credit(sink, started_ns + sink->patience_ns) == PSV_OK;
    uint64_t waited_ns = psv_clock_monotonic_ns() - started_ns;

    sink->patience_ns -= MIN(sink->patience_ns, waited_ns);
    sink->patience_ns += has_caught_up ? SEND_ON_PATIENCE_PART_NS : 0;
    return has_caught_up;
}

/* A client that keeps up gets what there is; for another one it is put by. */
static bool may_send_on(struct psv_response_sink *sink)
{
    if (!sink->has_head || (!sink->head_is_posted && psv_sink_gains_by_its_end(sink))) {
        return false;
    }
    return has_credit(sink) || (sink->patience_ns > 0 && waits_with_success(sink));
}

/* A long response for a slow client goes to the loop now and then, at each time as much as waits there
 * already: the account of what waits shall know of it (response_memory.h). */
static bool is_due(const struct psv_response_sink *sink)
{
    return sink->head_is_posted && part_len(sink) >= MAX(PUT_BY_BYTES, under_way(sink));
}

/* Posts the part in hand and begins the next one. */
static int send_on(struct psv_response_sink *sink)
{
    int code = post_part(sink);

    if (code == PSV_OK) {
        code = new_heap_part(sink);
    }
    if (code == PSV_OK) {
        psv_response_body_reserve(&sink->current->body, (size_t)part_goal(sink));
    }
    return code;
}

static int append_and_send_on(struct psv_response_sink *sink, const char *data, size_t len)
{
    int code = PSV_OK;

    while (len > 0 && code == PSV_OK) {
        uint64_t part = part_len(sink);
        uint64_t goal = part_goal(sink);
        if (part >= goal && (may_send_on(sink) || is_due(sink))) {
            code = send_on(sink);
            continue;
        }
        size_t step = (size_t)MIN((uint64_t)len, part < goal ? goal - part : SEND_ON_BYTES);
        code = append(sink, data, step);
        data += step;
        len -= step;
    }
    return code;
}

int psv_sink_write(struct psv_response_sink *sink, const void *data, size_t len)
{
    if (sink->state == PSV_SINK_FINISHED) {
        return PSV_OK;
    }
    if (is_gone(sink)) {
        return PSV_EGONE;
    }
    if (sink->failure != PSV_OK) {
        return sink->failure;
    }
    uint64_t before = sink->written_bytes;
    sink->written_bytes += len;
    if (!keeps_body(sink)) {
        return PSV_OK;
    }
    if (sink->content_length >= 0) {
        uint64_t promise = (uint64_t)sink->content_length;
        len = (size_t)MIN((uint64_t)len, promise - MIN(before, promise));
    }
    if (len == 0) {
        return PSV_OK;
    }
    if (LIKELY(put(sink, data, len))) {
        return PSV_OK;
    }
    sink->failure = append_and_send_on(sink, data, len);
    return sink->failure;
}

/* ---- flush and end */

int psv_sink_flush(struct psv_response_sink *sink)
{
    if (sink->state == PSV_SINK_FINISHED) {
        return PSV_OK;
    }
    if (is_gone(sink)) {
        return PSV_EGONE;
    }
    if (!sink->has_head) {
        return PSV_EINVAL;
    }
    if (sink->failure != PSV_OK) {
        return sink->failure;
    }
    if (!sink->head_is_posted || has_bytes(sink->current)) {
        int code = post_part(sink);
        if (code != PSV_OK) {
            return code;
        }
    }
    /* relaxed: published by the queue, or this thread's own */
    return wait_for_credit(sink, atomic_load_explicit(&sink->job->deadline_ns, memory_order_relaxed));
}

/* Fewer bytes than were promised: the response fails, and stays as it is. */
static bool is_short(const struct psv_response_sink *sink, const struct psv_response_part *part)
{
    return sink->failure != PSV_OK ||
           (keeps_body(sink) && sink->content_length >= 0 &&
            sink->posted_bytes + psv_response_body_len(&part->body) < (uint64_t)sink->content_length);
}

/* Posts END with `more` flags; with RELEASE among them the sink is gone afterwards. */
static void finish(struct psv_response_sink *sink, bool failed, unsigned more)
{
    struct psv_response_part *part = sink->current;
    unsigned flags = PSV_PART_END | more;

    if (part == NULL) {
        part = &sink->end_part;
        psv_sink_init_part(sink, part);
    }
    if (failed && sink->failure == PSV_OK) {
        sink->failure = PSV_EIO;
    }
    if (!sink->has_head) {
        sink->has_head = true;
        sink->status = 200;
    }
    if (!sink->head_is_posted && !is_short(sink, part)) {
        psv_sink_decide_coding(sink, true,
                               sink->job->message.is_head ? sink->written_bytes
                                                          : psv_response_body_len(&part->body));
    }
    seal_part(sink, part, PSV_BODY_FINISH);
    if (sink->failure != PSV_OK) {
        flags |= PSV_PART_FAILED;
    } else if (keeps_body(sink) && sink->content_length >= 0 &&
               sink->posted_bytes < (uint64_t)sink->content_length) {
        flags |= PSV_PART_FAILED;
    }
    if (!sink->head_is_posted && sink->failure == PSV_OK) {
        flags |= PSV_PART_HEAD;
        sink->head_is_posted = true;
    }
    part->flags = flags;
    sink->current = NULL;
    sink->state = PSV_SINK_FINISHED;
    psv_mailbox_post(sink->mailbox, part);
}

void psv_sink_finish(struct psv_response_sink *sink, bool failed)
{
    if (sink->state != PSV_SINK_FINISHED) {
        finish(sink, failed, 0);
    }
}

static void post_release(struct psv_response_sink *sink)
{
    psv_sink_init_part(sink, &sink->release_part);
    sink->release_part.flags = PSV_PART_RELEASE;
    psv_mailbox_post(sink->mailbox, &sink->release_part);
}

void psv_sink_release(struct psv_response_sink *sink)
{
    if (sink->state == PSV_SINK_FINISHED) {
        post_release(sink);
    } else {
        finish(sink, false, PSV_PART_RELEASE);
    }
}

void psv_sink_release_unused(struct psv_response_sink *sink)
{
    sink->state = PSV_SINK_FINISHED;
    sink->current = NULL; /* nothing was ever written to it */
    post_release(sink);
}

/* ---- [loop] from here on */

void psv_sink_credit(struct psv_response_sink *sink, uint64_t bytes)
{
    /* relaxed: published by the bump */
    atomic_fetch_add_explicit(&sink->taken_bytes, bytes, memory_order_relaxed);
    psv_sink_wake(sink);
}

void psv_sink_wake(struct psv_response_sink *sink)
{
    /* acq_rel pairs with the worker's exchange in wait_for_credit: it set the bit before (then it is woken),
     * or it sees what this thread wrote before the bump */
    if ((atomic_fetch_add_explicit(&sink->credit_futex, CREDIT_STEP, memory_order_acq_rel) & CREDIT_WAITS) !=
        0) {
        psv_futex_wake(&sink->credit_futex, 1);
    }
}

static void release_part(struct psv_body_piece *piece)
{
    struct psv_response_part *part = CONTAINER_OF(piece, struct psv_response_part, piece);

    psv_response_body_fini(&part->body);
    psv_response_memory_release(part->held_bytes);
    if (part->is_heap) {
        psv_free(part); /* which begins its block */
    }
}

struct psv_body_piece *psv_part_piece(struct psv_response_part *part)
{
    part->piece.release = release_part;
    return &part->piece;
}
