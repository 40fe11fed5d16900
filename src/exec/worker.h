/* Worker threads: each runs the executor's run(), which pulls jobs from the queue.  The pool starts them,
 * counts them, interrupts them and replaces one whose runtime state is broken.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observe/metrics.h"
#include "phpsrv/executor.h"

struct psv_queue;
struct psv_worker_pool;

/* Slots beside the workers': one takes the place of a worker that is given up. */
#define PSV_WORKER_SPARES 16

/** Slots beside the workers', for a queue of that pool: scripts have as many again, for a new set that boots
 * while the old one serves. */
unsigned psv_worker_spares(unsigned workers, bool has_script);

struct psv_worker_pool_options {
    const struct psv_executor *executor;
    struct psv_queue *queue; /* made with psv_worker_spares */
    unsigned workers;
    size_t stack_bytes;
    uint64_t max_requests;                  /* a worker is replaced after about as many; 0 = never */
    const struct psv_worker_script *script; /* what they all run; NULL: the script of each request */
    unsigned boot_failures_max;             /* of a script in a row, until the start has failed */
    unsigned first_id;                      /* number of the first worker: unique among all pools */
};

/** Starts the threads and waits until each is ready or one failed: then all are stopped, and so is the queue.
 * 0, what thread_start said, PSV_ENOMEM, PSV_ELIMIT.  [boot] */
MUST_CHECK int psv_worker_pool_start(const struct psv_worker_pool_options *options,
                                     struct psv_worker_pool **ret_pool, struct psv_error *reterr);
/** The same in two steps, so that several pools boot at once: the threads start, and it is waited for them.
 * After a failure of either *ret_pool is NULL, or the caller stops the queue and the pool.  is_cancelled is
 * asked every now and then and may be NULL; PSV_ESTOPPING.  [boot] */
typedef bool psv_worker_cancel_fn(void *context);
MUST_CHECK int psv_worker_pool_launch(const struct psv_worker_pool_options *options,
                                      struct psv_worker_pool **ret_pool, struct psv_error *reterr);
MUST_CHECK int psv_worker_pool_await(struct psv_worker_pool *pool, psv_worker_cancel_fn *is_cancelled,
                                     void *context, struct psv_error *reterr);
/** The queue must be stopped.  Joins the threads until deadline_ns (monotonic; 0 = for ever); returns how
 * many did not end.  They are abandoned, and process_stop must not be called then.  Frees the pool, unless
 * some did not end; it must not be used any more.  Accepts NULL.  [boot] */
unsigned psv_worker_pool_stop(struct psv_worker_pool *pool, uint64_t deadline_ns);

/** Each worker's script boots again, in its thread, after the request that it has: what comes meanwhile waits
 * in the queue.  [any] */
void psv_worker_pool_reboot(struct psv_worker_pool *pool);

/** Boots a new set of workers; when all of them have reached their loop the old ones end, each after the
 * request that it has.  Until then, and when one of the new ones fails, the old ones go on.  PSV_EEXIST: one
 * is under way; PSV_ELIMIT, PSV_ENOMEM, PSV_ESTOPPING; with a sentence.  [loop] */
MUST_CHECK int psv_worker_pool_renew(struct psv_worker_pool *pool, struct psv_error *reterr);
enum psv_renewal_state { PSV_RENEWAL_NONE, PSV_RENEWAL_BOOTING, PSV_RENEWAL_DONE, PSV_RENEWAL_FAILED };
/** How the last one goes, or went; *reterr is written when it failed.  [loop] */
enum psv_renewal_state psv_worker_pool_renewal(struct psv_worker_pool *pool, uint64_t *ret_began_ns,
                                               struct psv_error *reterr);
/** Interrupts scripts whose boot takes too long: to be called every now and then.  [any] */
void psv_worker_pool_check_boots(struct psv_worker_pool *pool);
/** Scripts that take requests; when it is 0: for how long already.  [loop] */
unsigned psv_worker_pool_serving(struct psv_worker_pool *pool, uint64_t *ret_unserved_ns);
/** The last boot of each of its scripts has failed, and none serves: requests need not wait.  [any] */
bool psv_worker_pool_is_failing(const struct psv_worker_pool *pool);

/** Interrupts the worker that runs job, if it still does.  [loop] */
void psv_worker_pool_interrupt(struct psv_worker_pool *pool, struct psv_job *job);
/** The worker that runs job does not come back from it: another one takes its place.  If it comes back all
 * the same, it ends.  PSV_EGONE: nobody runs it; PSV_ELIMIT: all spare slots are taken; PSV_ENOMEM.  [loop]
 */
MUST_CHECK int psv_worker_pool_give_up(struct psv_worker_pool *pool, struct psv_job *job);
/** What the worker that runs job is doing (executor->trace); 0 when it runs no more, or that is not known.
 * [loop] */
size_t psv_worker_pool_trace(struct psv_worker_pool *pool, const struct psv_job *job, char *out, size_t size);

enum psv_worker_state {
    PSV_WORKER_IDLE,
    PSV_WORKER_BUSY,
    PSV_WORKER_LOST,        /* given up */
    PSV_WORKER_BOOTING,     /* its script has not reached its loop */
    PSV_WORKER_BACKING_OFF, /* its script does not boot, or crashes unasked: it is run again a little later */
};

/** A line of the scoreboard; texts are cut to their room. */
struct psv_worker_report {
    unsigned id;
    enum psv_worker_state state;
    unsigned group;      /* the caller's */
    uint64_t requests;   /* of its thread, or of its script since that was booted */
    uint64_t running_ns; /* of the request that it runs, or of the boot */
    uint64_t boot_ns;    /* what the last boot of its script took */
    uint64_t restarts;   /* of its script */
    char request_id[72];
    char client[46]; /* its address */
    char method[16];
    char target[256];
    char script[256];
};

/** A script of worker mode and its workers. */
struct psv_worker_script_facts {
    const char *name;
    const char *path;
    unsigned threads; /* as many as there should be */
    unsigned ready;   /* that have reached their loop: idle or busy */
    unsigned busy;
    bool is_failing;      /* psv_worker_pool_is_failing */
    uint64_t unserved_ns; /* since when none is ready; 0: some are */
    size_t queue_len;
    size_t queue_capacity;
    uint64_t requests;
    uint64_t restarts; /* by plan, on request, or because the script has ended by itself */
    uint64_t crashes;
    uint64_t boot_failures;
    uint64_t memory_bytes; /* heaps of all, after their last requests */
    uint64_t boot_ns;      /* the longest of their last boots */
    struct psv_histogram_sum run_seconds;
    struct psv_histogram_sum wait_seconds;
    struct psv_histogram_sum boot_seconds;
};
/** Of a pool that has a script.  [loop] */
void psv_worker_pool_read_script(struct psv_worker_pool *pool, struct psv_worker_script_facts *ret_facts);

/** Fills up to max lines; returns how many workers there are.  [loop] */
unsigned psv_worker_pool_report(struct psv_worker_pool *pool, struct psv_worker_report *out, unsigned max);
/** Interrupts whatever runs or boots.  [any] */
void psv_worker_pool_interrupt_all(struct psv_worker_pool *pool);

/** Time that workers have spent with jobs so far, with those that run now, and how many are lost: given up,
 * and still within their job.  [loop] */
uint64_t psv_worker_pool_busy_ns(struct psv_worker_pool *pool, unsigned *ret_lost);
unsigned psv_worker_pool_size(const struct psv_worker_pool *pool);
unsigned psv_worker_pool_busy(const struct psv_worker_pool *pool);
/** Asks whether PHP works: the first worker that looks for a job answers, before it takes one.  The question
 * is also put into the queue, unless one is there already, to wake an idle worker; PSV_EFULL, PSV_ESTOPPING:
 * there is no room for it, so no worker is idle either.  [loop] */
MUST_CHECK int psv_worker_pool_probe(struct psv_worker_pool *pool);
/** What the last one said, and when (monotonic); the workers' start counts as one that was right.  [any] */
bool psv_worker_pool_probed(const struct psv_worker_pool *pool, uint64_t *ret_done_ns);
/** Threads that are alive and can take a job: 0 means PHP cannot serve.  [any] */
unsigned psv_worker_pool_alive(const struct psv_worker_pool *pool);
