/* The pool and its slots, as worker.c (threads) and worker_watch.c (the loop's view) share them.  Not for
 * other files.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "exec/worker.h"
#include "os/thread.h"

struct psv_job;

struct psv_worker {
    _Alignas(CACHE_LINE_BYTES)
        pthread_mutex_t lock; /* guards job and state against interrupts; held for some ns only */
    struct psv_job *job;      /* the running one, or NULL */
    void *state;              /* the executor's */
    struct psv_worker_pool *pool;
    unsigned id;                          /* unique in the process */
    unsigned index;                       /* in the pool */
    bool has_reported_boot;               /* psv_worker_report_boot was called; this thread's */
    bool script_is_ready;                 /* it has reached its loop; this thread's */
    enum psv_script_reason script_reason; /* why it gets no more requests; this thread's */
    uint64_t script_requests;             /* that it was handed since it began to boot; this thread's */
    uint64_t script_requests_max;         /* ends after so many; 0 = no limit */
    uint64_t script_until_ns;             /* ends then; 0 = no limit */
    uint32_t script_epoch;                /* the pool's when it began to boot */
    unsigned boot_failures;               /* of its script, in a row; this thread's */
    bool is_used;                         /* the slot has a thread; guarded by the pool's life_lock */
    bool is_given_up;                     /* guarded by lock: its thread ends when it comes back, if ever */
    bool ends_check;                      /* it is time to look whether this thread ends; this thread's */
    bool is_recycled;                     /* its thread makes way for a fresh one; this thread's */
    uint64_t jobs;                        /* of this thread; written with the lock */
    uint64_t busy_ns;                     /* of all jobs of this slot that have ended; guarded by lock */
    uint64_t jobs_max;                    /* 0 = no limit */
    unsigned failures;                    /* quick ones in a row; handed from thread to successor */
    unsigned newest;              /* index of the slot's latest thread; guarded by the pool's life_lock */
    struct psv_thread threads[2]; /* the latest and the one that it replaces */
};

/** The question whether PHP works.  One at a time: a worker that never comes back from it is lost, not all.
 */
enum psv_probe_state { PSV_PROBE_NONE, PSV_PROBE_ASKED, PSV_PROBE_TAKEN };

struct psv_worker_pool {
    const struct psv_executor *executor;
    struct psv_queue *queue;
    size_t stack_bytes;
    uint64_t max_requests;
    const struct psv_worker_script *script; /* NULL: classic */
    unsigned boot_failures_max;
    _Atomic uint32_t epoch; /* scripts that began to boot in an earlier one are to boot again */
    unsigned workers_len;   /* that serve at a time */
    unsigned slots_len;
    struct psv_worker *workers; /* the slots */
    atomic_flag is_recycling;   /* one worker at a time is being replaced by plan */
    _Atomic uint32_t stop_word; /* futex: 1 = stopping; ends back-offs */
    _Atomic unsigned busy;
    _Atomic unsigned alive;
    struct psv_job *probe;          /* stands in the queue for a question to whoever takes it; never run */
    _Atomic unsigned probe_state;   /* PSV_PROBE_NONE ... */
    _Atomic bool probe_is_queued;   /* it is in the queue */
    _Atomic bool probe_was_right;   /* what the last one said ... */
    _Atomic uint64_t probe_done_ns; /* ... and when; monotonic */
    pthread_mutex_t life_lock;      /* starting and replacing threads: held for the start of one at most */
    pthread_cond_t boot_change;     /* with life_lock: the next three */
    unsigned boot_ready;
    unsigned boot_failed;
    struct psv_error boot_error; /* of the first that failed */
};

/** Life of a slot's thread: the function that it runs.  [worker] */
psv_thread_fn psv_worker_thread;
/** Tells psv_worker_pool_start how a worker's first start went; later ones are no news.  [worker] */
void psv_worker_report_boot(struct psv_worker *worker, int code, const struct psv_error *error);
bool psv_worker_pool_is_stopping(const struct psv_worker_pool *pool);
/** The sooner one of deadline_ns (0: none) and the end of the script's time; 0: neither.  [worker] */
uint64_t psv_worker_script_sooner(const struct psv_worker *worker, uint64_t deadline_ns);
