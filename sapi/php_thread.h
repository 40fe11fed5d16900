/* State of one PHP thread: what the SAPI callbacks find in SG(server_context) while a request runs.  Belongs
 * to the worker thread; only the fields marked so are touched by others.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

struct psv_job;
struct psv_message;
struct psv_worker;
struct psv_php_user_ini;
struct psv_dev_report;
struct psv_php_worker;

#define PSV_PHP_THREAD_MAGIC 0x70687054u

/** Where the thread stands towards opcache's restarts (php_opcache.c). */
enum psv_php_phase {
    PSV_PHP_IDLE,     /* holds nothing of the cache */
    PSV_PHP_STARTING, /* between the look at the restart flag and the end of request startup */
    PSV_PHP_RUNNING,  /* may hold pointers into the cache */
    PSV_PHP_SCRIPT,   /* the same, for a script of worker mode: it can be told to end */
};

/** How far the current request has come: what is left to do when a bailout escapes. */
enum psv_php_stage {
    PSV_PHP_STAGE_NONE,     /* nothing to shut down */
    PSV_PHP_STAGE_STARTED,  /* php_request_startup has been called */
    PSV_PHP_STAGE_SHUTDOWN, /* php_request_shutdown has been called */
};

struct psv_php_thread {
    unsigned magic;
    struct psv_worker *worker;
    struct psv_job *job;               /* the running one; NULL between requests, and while a script boots */
    const struct psv_message *message; /* its request; of a script of worker mode that boots: what it sees */
    struct psv_php_worker *mode;       /* of worker mode; NULL: classic */
    enum psv_php_stage stage;
    bool head_is_lost;      /* the response head could not be set: the response will be failed */
    bool output_has_failed; /* memory or disk is exhausted: said once per request */
    bool is_finished;       /* by phpsrv_finish_request(): the client has its response */
    bool filter_has_server; /* filter_input(INPUT_SERVER) has been given its variables */
    struct _zend_string *environment_text; /* what getenv() found last; request memory */
    uint32_t gc_runs;                      /* of the running script, counted already; the next two as well */
    uint32_t gc_collected;
    uint64_t gc_time_ns;
    bool cache_is_bypassed;  /* this request runs without opcache (a restart is pending) */
    uint32_t cache_restarts; /* of opcache, announced when the running request began */
    uint64_t cache_retry_ns; /* worker mode, bypassed: when to try for the cache again */
    uint64_t cache_retry_wait_ns;
    bool restarts_cache;               /* it starts alone, holding the restart lock */
    struct psv_dev_report *dev;        /* errors of this request; NULL: none, or no development mode */
    struct psv_php_user_ini *user_ini; /* cache of .user.ini files; NULL until the first one is looked for */
    struct psv_php_site_cache *site_settings; /* strings of settings that sites have; NULL: none so far */

    /* other threads */
    pthread_t pthread;                            /* [any] read: to break a blocking call */
    const void *current_execute_data;             /* [any] read, through the kernel: the engine's pointer */
    void *vm_interrupt;                           /* [any] set: the engine looks at it between opcodes */
    atomic_bool is_interrupted;                   /* [any] set: the running job has to end */
    _Atomic uint64_t memory_bytes;                /* [any] read: heap of the last request */
    _Atomic uint64_t memory_peak_bytes;           /* [any] read: largest heap since the thread began */
    _Alignas(CACHE_LINE_BYTES) _Atomic int phase; /* [any] read: enum psv_php_phase */
};

/** Makes this thread a PHP thread.  [worker] */
MUST_CHECK int psv_php_thread_start(struct psv_worker *worker, void **ret_state, struct psv_error *reterr);
/** Frees the thread's engine state.  [worker] */
void psv_php_thread_stop(void *state);
/** Pulls jobs until the server stops: the executor's run().  [worker] */
int psv_php_thread_run(struct psv_worker *worker, void *state);
/** The executor's probe: an empty request.  [worker] */
MUST_CHECK bool psv_php_thread_probe(void *state);

/** The thread of the running request; NULL outside of requests and on threads that are not workers.  [any] */
struct psv_php_thread *psv_php_thread_current(void);

/** All PHP threads, for those who wait for or sum over them.  visit runs under the registry's lock.  [any] */
typedef bool psv_php_thread_visit_fn(struct psv_php_thread *thread, void *context);
/** Stops and returns false as soon as visit returns false. */
bool psv_php_thread_for_each(psv_php_thread_visit_fn *visit, void *context);

/** True in a process that a script made with pcntl_fork(): it must not touch the server's job.  [any] */
bool psv_php_is_forked_child(void);
/** Installs what notices forks.  [boot] */
MUST_CHECK int psv_php_thread_process_start(struct psv_error *reterr);
