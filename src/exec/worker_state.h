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
#include "observe/histogram_cells.h"
#include "os/thread.h"

struct psv_job;

/** What a worker of a script has counted so far; its thread writes, anybody reads. */
struct psv_worker_meter {
    _Atomic uint64_t restarts; /* boots after the first that were no failure's */
    _Atomic uint64_t crashes;
    _Atomic uint64_t boot_failures;
    _Atomic uint64_t memory_bytes;          /* of its heap, after the last request */
    struct psv_histogram_cells run_seconds; /* of its requests */
    struct psv_histogram_cells wait_seconds;
    struct psv_histogram_cells boot_seconds;
};

/** The script of a worker, and how it fares (worker_script.c, worker_renew.c).  Nothing of it is used in the
 * classic group. */
struct psv_worker_life {
    /* this thread's */
    enum psv_script_reason reason; /* why it gets no more requests */
    uint64_t requests_max;         /* ends after so many; 0 = no limit */
    uint64_t until_ns;             /* ends then; 0 = no limit */
    uint32_t epoch;                /* the pool's when it began to boot */
    unsigned boot_failures;        /* in a row */
    unsigned quick_crashes;        /* in a row */
    uint64_t began_ns;             /* its boot */
    bool is_ready;                 /* it has reached its loop */
    bool has_booted;               /* some time in this thread or one before */
    bool has_given_up;             /* not booted again: the start has failed, or the renewal */
    bool has_bailed;               /* how it ended */
    int exit_status;
    char error[256]; /* what it said last */
    /* guarded by the worker's lock */
    uint64_t boot_began_ns; /* 0 = it does not boot now */
    bool is_overdue;        /* its boot was interrupted */
    bool is_backing_off;
    bool is_idling;    /* it runs a function of its own while it waits */
    uint64_t requests; /* that it was handed since it began to boot */
    uint64_t boot_ns;  /* what its last boot took */
    /* guarded by the pool's life_lock */
    bool is_serving;           /* counted there */
    bool is_failing;           /* counted there */
    _Atomic bool is_candidate; /* of a new set: it waits until all of that have booted.  Written as above */
    _Atomic bool is_retired; /* a new set has taken over: it ends, and its slot is free.  Written as above */
};

struct psv_worker {
    _Alignas(CACHE_LINE_BYTES)
        pthread_mutex_t lock; /* guards job and state against interrupts; held for some ns only */
    struct psv_job *job;      /* the running one, or NULL */
    void *state;              /* the executor's */
    struct psv_worker_pool *pool;
    unsigned id;                  /* unique in the process */
    unsigned index;               /* in the pool */
    bool has_reported_boot;       /* psv_worker_report_boot was called; this thread's */
    bool is_used;                 /* the slot has a thread; guarded by the pool's life_lock */
    bool is_given_up;             /* guarded by lock: its thread ends when it comes back, if ever */
    bool ends_check;              /* it is time to look whether this thread ends; this thread's */
    bool is_recycled;             /* its thread makes way for a fresh one; this thread's */
    uint64_t jobs;                /* of this thread; written with the lock */
    uint64_t busy_ns;             /* of all jobs of this slot that have ended; guarded by lock */
    uint64_t jobs_max;            /* 0 = no limit */
    unsigned failures;            /* quick ones in a row; handed from thread to successor */
    unsigned newest;              /* index of the slot's latest thread; guarded by the pool's life_lock */
    struct psv_thread threads[2]; /* the latest and the one that it replaces */
    struct psv_worker_life life;  /* of its script */
    struct psv_worker_meter meter;
};

/** The question whether PHP works.  One at a time: a worker that never comes back from it is lost, not all.
 */
enum psv_probe_state { PSV_PROBE_NONE, PSV_PROBE_ASKED, PSV_PROBE_TAKEN };

/** A new set of workers that boots its script before the old one makes way; guarded by the pool's life_lock.
 */
struct psv_worker_renewal {
    enum psv_renewal_state state;
    unsigned wanted;
    unsigned ready;
    uint64_t began_ns;
    struct psv_error error;
    _Atomic uint32_t word; /* futex: changes when candidates need wait no longer */
};

struct psv_worker_pool {
    const struct psv_executor *executor;
    struct psv_queue *queue;
    size_t stack_bytes;
    uint64_t max_requests;
    const struct psv_worker_script *script; /* NULL: classic */
    unsigned boot_failures_max;
    _Atomic uint32_t epoch;   /* scripts that began to boot in an earlier one are to boot again */
    uint64_t replaced;        /* workers for which one of a new set came; guarded by life_lock */
    _Atomic unsigned serving; /* scripts that have reached their loop; written with life_lock */
    _Atomic unsigned failing; /* whose last boot has failed; the same */
    uint64_t unserved_ns;     /* since when serving is 0; guarded by life_lock */
    struct psv_worker_renewal renewal;
    struct psv_worker_pool *next; /* in the list of those with a script */
    unsigned workers_len;         /* that serve at a time */
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
void psv_worker_pool_set_stopping(struct psv_worker_pool *pool);
/** Sleeps for wait_ns, or until the pool stops.  [worker] */
void psv_worker_pool_pause(struct psv_worker_pool *pool, uint64_t wait_ns);
/** Starts a thread in a slot that is free; life_lock is held.  [any] */
MUST_CHECK int psv_worker_start_slot(struct psv_worker *worker, struct psv_error *reterr);

/* worker_script.c */
/** life_lock is held: this worker counts among those that serve, or does not any more. */
void psv_worker_script_count(struct psv_worker *worker, bool is_serving, bool is_failing);
void psv_worker_pools_add(struct psv_worker_pool *pool);
void psv_worker_pools_remove(struct psv_worker_pool *pool);

/* worker_renew.c */
/** Waits until the whole set has booted, or the renewal has failed.  [worker] */
void psv_worker_renew_wait(struct psv_worker *worker);
/** life_lock is held: a candidate has reached its loop; the last one retires the old set.  [worker] */
void psv_worker_renew_ready(struct psv_worker *worker);
/** A candidate has not. [worker] */
void psv_worker_renew_fail(struct psv_worker *worker, const struct psv_error *error);
