/* A frozen request on its way through a worker.  Made and freed by the loop on the exchange's arena; while a
 * worker holds it (RUNNING), message, body, arena and sink are the worker's alone.
 *
 *   QUEUED -> RUNNING -> (RELEASE part arrives) freed by the loop
 *   QUEUED -> CANCELLED -> a worker pops it and only releases it
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "exec/response_sink.h"
#include "phpsrv/message.h"

struct psv_body_decoder;
struct psv_dynamic_site;
struct psv_exchange;
struct psv_request_body;
struct psv_worker_group;

enum psv_job_state { PSV_JOB_QUEUED, PSV_JOB_RUNNING, PSV_JOB_CANCELLED };

#define PSV_JOB_MAGIC 0x6a6f6221u

struct psv_job {
    unsigned magic;
    struct psv_message message; /* frozen: text only, never a pointer into net/ */
    struct psv_request_body *body;
    const struct psv_body_decoder *decoder; /* of the body; NULL: it is as it is.  Set by who makes the job */
    unsigned refusal_status;                /* of a request that no runtime may see; 0 = none */
    const char *refusal;                    /* the reason, static */
    struct psv_arena *arena;                /* the worker's while it runs the job */
    struct psv_response_sink sink;
    struct psv_exchange *exchange;       /* [loop] only; set by who makes the job */
    const struct psv_dynamic_site *site; /* the same */
    struct psv_worker_group *group;      /* the same: whose workers run it */
    _Atomic int state;                   /* enum psv_job_state */
    _Atomic bool is_gone;           /* the client has left or was answered by the server: output is dropped */
    _Atomic uint64_t deadline_ns;   /* monotonic; 0 = none.  Moved by the script's heartbeat */
    _Atomic unsigned worker_plus_1; /* who runs it, 0 = nobody yet */
    bool is_replaced;               /* [loop] its response is a file's */
    bool is_given_up;               /* [loop] nobody waits for its worker any more */
    uint64_t stream_timeout_ms;     /* deadline of an event stream from its beginning; 0 = none */
    unsigned informational_len;     /* [worker] informational responses so far */
    uint64_t queued_ns;
    uint64_t started_ns;           /* [worker] written, [loop] read after RELEASE or END */
    _Atomic uint64_t responded_ns; /* when its response was complete: the script may go on; 0 = not yet */
    uint64_t finished_ns;          /* read after its release only */
    bool wants_usage;              /* the next three are counted; set by who makes the job */
    uint64_t cpu_started_ns;       /* [worker] */
    uint64_t cpu_ns;               /* processor time until its response was complete; read as started_ns */
    uint64_t memory_peak_bytes;    /* as the runtime noted it; 0 = not.  Read as started_ns */
};

/** Makes a job on arena.  The caller fills message, which is all zeros, with texts that live as long as
 * arena, sets exchange, queued_ns and deadline_ns and calls psv_sink_init before it queues the job.  NULL
 * when out of memory.  [loop] */
MUST_CHECK struct psv_job *psv_job_new(struct psv_arena *arena, struct psv_request_body *body);

/** QUEUED -> RUNNING; false when it was cancelled meanwhile.  [worker] */
bool psv_job_try_start(struct psv_job *job);
/** The response is complete at now_ns, unless it was before.  Before the loop can hear of it.  [worker] */
void psv_job_note_responded(struct psv_job *job, uint64_t now_ns);
/** QUEUED -> CANCELLED; false when a worker runs it already.  Whoever cancels also calls psv_job_set_gone.
 * [loop] */
bool psv_job_try_cancel(struct psv_job *job);
/** The client left, or was answered: the worker learns it at its next write, a waiting flush at once.  [loop]
 */
void psv_job_set_gone(struct psv_job *job);
