/* The job queue: one bounded ring for all workers plus the stack of idle workers, woken last-in-first-out.
 * One that sleeps is woken at a time; it wakes the next one when it finds more work than it takes (queue.c
 * has the proof).  Work that one who is awake does sooner than another wakes up wakes nobody.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ring.h"

struct psv_job;

/** Why a worker got no job. */
enum psv_queue_pop {
    PSV_QUEUE_STOPPED, /* and empty */
    PSV_QUEUE_TIMEOUT,
    PSV_QUEUE_NUDGED,
};

/** Where one worker sleeps.  Embedded in the worker; index is its place in the idle stack. */
struct psv_parking {
    _Alignas(CACHE_LINE_BYTES) _Atomic uint32_t state; /* futex word: enum parking_state of queue.c */
    _Atomic uint32_t next; /* index + 1 of the parking below it in the idle stack, 0 = none */
    uint64_t waits;        /* [worker] psv_thread_waits() when it woke last */
    uint64_t jobs;         /* [worker] taken since then */
    uint64_t job_ns;       /* [worker] what its jobs have taken lately; 0 = not known */
    uint32_t nudges;       /* [worker] of the queue's, as many as it knows of */
};

struct psv_queue {
    struct psv_ring ring;
    struct psv_parking *parkings; /* one per worker slot */
    unsigned parkings_len;
    unsigned workers_len; /* slots that are in use at a time */
    unsigned awake_max;   /* workers that are woken while none of them waits for anything */
    _Alignas(CACHE_LINE_BYTES) _Atomic uint64_t idle; /* {tag:32, index + 1:32} top of the idle stack */
    _Atomic uint32_t is_waking; /* a woken worker has not looked at the ring yet: no need to wake another */
    _Atomic uint32_t idle_len;  /* workers on the idle stack */
    _Atomic uint64_t lifted_until_ns; /* until then awake_max does not hold: scripts wait */
    _Atomic uint64_t job_ns;          /* what a job has taken lately, about; 0 = not known */
    _Alignas(CACHE_LINE_BYTES) _Atomic uint64_t hot_ns; /* when the hot worker took its last job, monotonic */
    _Atomic uint32_t hot; /* index + 1 of a worker that takes one job after the other, 0 = none */
    _Alignas(CACHE_LINE_BYTES) _Atomic uint32_t gate; /* {stopped:1, pushes under way:31} */
    _Atomic uint32_t nudges;                          /* psv_queue_nudge so far */
    _Atomic uint64_t wakes;                           /* futex wake calls so far: what the bench watches */
};

/** 0 or PSV_ENOMEM.  workers: as many take jobs at a time; spares: further indexes that may take the place of
 * one.  awake_max: processors; more workers than that
 * are woken only when scripts wait for something.  [boot] */
MUST_CHECK int psv_queue_init(struct psv_queue *queue, size_t capacity, unsigned workers, unsigned spares,
                              unsigned awake_max);
/** Harmless after a failed init.  Jobs inside are the caller's affair.  [boot] */
void psv_queue_fini(struct psv_queue *queue);

/** 0, PSV_EFULL, PSV_ESTOPPING.  Takes job on success.  Wakes a worker if one sleeps and none is on its way.
 * [any] */
MUST_CHECK int psv_queue_push(struct psv_queue *queue, struct psv_job *job);
/** A push without the wake-up, for several in a row: whoever adds owes a psv_queue_kick soon.  [any] */
MUST_CHECK int psv_queue_add(struct psv_queue *queue, struct psv_job *job);
/** Wakes a worker for what was added, if one sleeps and none is on its way; it wakes further ones itself.
 * [any] */
void psv_queue_kick(struct psv_queue *queue);
/** True while jobs wait although a worker sleeps, because enough are awake.  When psv_queue_taken stands
 * still meanwhile, those wait for something: psv_queue_relieve wakes one more.  [any] */
bool psv_queue_is_held_back(const struct psv_queue *queue);
void psv_queue_relieve(struct psv_queue *queue);
/** Jobs taken so far (it wraps around).  [any] */
size_t psv_queue_taken(const struct psv_queue *queue);
/** True when a push would be refused now: lets the loop answer 503 before it reads a body.  [any] */
bool psv_queue_is_full(const struct psv_queue *queue);
/** The oldest job, waiting for one as worker `index` until deadline_ns (monotonic; 0: none), until the queue
 * is nudged, or until it is stopped and empty; *ret_why is written when there is no job.  A job that waits
 * comes before everything else.  [worker] */
struct psv_job *psv_queue_pop_until(struct psv_queue *queue, unsigned index, uint64_t deadline_ns,
                                    enum psv_queue_pop *ret_why);
/** What worker `index` does with its jobs, so that the queue knows whether waking another one pays: it has
 * begun one at now_ns (monotonic); its last one took run_ns.  [worker] */
void psv_queue_note_begin(struct psv_queue *queue, unsigned index, uint64_t now_ns);
void psv_queue_note_end(struct psv_queue *queue, unsigned index, uint64_t run_ns);
/** It takes no more jobs for now, without having come for one in vain.  [worker] */
void psv_queue_note_leave(struct psv_queue *queue, unsigned index);
/** Each worker returns once from psv_queue_pop_until without a job, as soon as there is none for it: at once
 * when it sleeps.  What was written before is seen by it then.  [any] */
void psv_queue_nudge(struct psv_queue *queue);
/** Lets all waiting workers return; jobs still inside are handed out first.  A push that succeeded before or
 * meanwhile is among them; later ones are refused.  [any] */
void psv_queue_stop(struct psv_queue *queue);
/** True from psv_queue_stop on.  [any] */
bool psv_queue_is_stopped(const struct psv_queue *queue);
/** True when it is stopped and empty, and no push is under way: it stays so.  [any] */
bool psv_queue_is_over(const struct psv_queue *queue);
size_t psv_queue_len(const struct psv_queue *queue);
