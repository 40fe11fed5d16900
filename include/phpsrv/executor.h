/* The runtime ABI: what a language runtime implements to be run by phpsrv's workers.  One const struct per
 * executor; the server picks it by name.  PHP's `ext` and the PHP-less `stub` are its clients.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "phpsrv/message.h"

struct psv_prometheus; /* observe/prometheus.h */
struct psv_config_list;
struct psv_config; /* config/config.h: read-only while the executor lives */
struct psv_worker; /* exec/worker.h: the thread that run() lives on */

/** One line of --version, /config, build info: {"php", "8.4.24"}. */
struct psv_executor_fact {
    const char *name;
    char value[160];
};

/** A file, or (with a slash at its end) a folder of files, that a runtime was started from. */
typedef void psv_executor_source_fn(const char *path, void *context);

struct psv_executor {
    const char *name; /* value of --executor */
    const char *help; /* half a line */

    /** Before any worker thread exists, on the thread that will call process_stop.  [boot] */
    int (*process_start)(const struct psv_config *config, struct psv_error *reterr);

    /** Reads settings of the runtime that a site has for itself ("name=value" each), on top of those in
     * `around`, which is NULL or another result; requests carry *ret in their message.  PSV_EINVAL with a
     * sentence, PSV_ENOMEM.  Both may be NULL: there are none.  Between process_start and process_stop.
     * [boot] */
    int (*settings_start)(const struct psv_config_list *settings, const void *around, void **ret,
                          struct psv_error *reterr);
    void (*settings_stop)(void *settings);

    /** First call on each worker thread; *ret_state is handed to the following functions.  [worker] */
    int (*thread_start)(struct psv_worker *worker, void **ret_state, struct psv_error *reterr);

    /** Lives until psv_worker_next_job() returns NULL.  It pulls jobs, nobody pushes them:
     *    while ((job = psv_worker_next_job(worker)) != NULL) { ...; psv_worker_end_job(worker, job); }
     *  Returns 0 to end the thread for good, PSV_EAGAIN when the thread's runtime state is broken: then
     * thread_stop is called and the server starts a fresh thread in its place.  [worker] */
    int (*run)(struct psv_worker *worker, void *state);

    /** Asks the running job, or the script that boots, to stop soon (deadline passed, or shutdown); called
     * only while that worker runs a job or is between psv_worker_script_begin and _ready or _end, or between
     * _begin_idle and _end_idle, and cannot leave that meanwhile.  Must be quick, must not block.  [any] */
    void (*interrupt)(void *state);

    /** Writes what the running job is doing (a stack, one line, at most size bytes); returns the length, 0
     * when that is not known.  Called as interrupt() is, and must not disturb the job.  May be NULL.  [any]
     */
    size_t (*trace)(void *state, char *out, size_t size);

    /** Between two jobs: does the runtime still work on this thread?  Cheap: it is asked every few seconds.
     * May be NULL: it does. [worker] */
    bool (*probe)(void *state);

    /** Last call on the thread.  [worker] */
    void (*thread_stop)(void *state);

    /** After all worker threads have ended.  [boot] */
    void (*process_stop)(void);

    /** Runs a script on the command line, in place of a server: arguments begins with it, ends with NULL.
     * Only comes back when that is not possible, with an error.  May be NULL.  [boot] */
    int (*run_script)(const struct psv_config *config, char **arguments, struct psv_error *reterr);

    /** Fills up to max facts, returns how many; callable before process_start (versions only). */
    size_t (*facts)(struct psv_executor_fact *out, size_t max);
    /** Appends runtime metrics such as memory and opcache numbers; must not block.  For the reference all
     * families that there can be, also before process_start.  May be NULL. [loop] */
    void (*metrics)(struct psv_prometheus *out);
    /** Calls visit for what would have to be read again by a new start: php.ini, the folder of its parts ...
     * Returns true when changed scripts need one too.  After process_start; may be NULL.  [boot] */
    bool (*sources)(psv_executor_source_fn *visit, void *context);
};

/** A script of worker mode: each of its workers boots it once, then hands it one request after the other.
 * Const while the workers live; texts are followed by a NUL. */
struct psv_worker_script {
    const char *name;          /* in logs and metrics */
    const char *path;          /* absolute */
    const char *document_root; /* absolute */
    const char *const
        *environment; /* "NAME=value": what the script sees while it boots, and later in getenv() */
    size_t environment_len;
    const void *settings;      /* of the site: settings_start; NULL = the process's */
    uint64_t memory_bytes_max; /* booted anew when its heap is larger after a request; 0 = no limit */
    uint64_t max_requests;     /* booted anew after so many, or up to a tenth less; 0 = no limit */
    uint64_t time_max_ms;      /* the same, in time */
    uint64_t boot_timeout_ms;  /* to reach its loop: then it is interrupted; 0 = no limit */
    bool is_strict;            /* settings, handlers, locale ... are put back after each request */
    bool tells_changes;        /* what a request has changed is named in the log (development) */
};

/** How a script of worker mode has come to its end. */
enum psv_script_end {
    PSV_SCRIPT_DONE,   /* it ran to its end, or exit with status 0 */
    PSV_SCRIPT_FAILED, /* uncaught exception, exit with another status, fatal error */
};

/** Why a script gets no more requests. */
enum psv_script_reason {
    PSV_SCRIPT_GOES_ON,    /* it does get more */
    PSV_SCRIPT_STOPS,      /* the server stops, or this worker does */
    PSV_SCRIPT_RESTARTS,   /* somebody has asked for a new boot */
    PSV_SCRIPT_HAS_SERVED, /* max_requests */
    PSV_SCRIPT_HAS_AGED,   /* time_max_ms */
    PSV_SCRIPT_HAS_GROWN,  /* memory_bytes_max: the runtime says so */
};

/* What run() may call. */

/** The script that this worker is for; NULL: any, one per request.  [worker] */
const struct psv_worker_script *psv_worker_script(const struct psv_worker *worker);
/** The script is about to boot.  [worker] */
void psv_worker_script_begin(struct psv_worker *worker);
/** The booted script asks for its first request: the worker counts as ready.  Idempotent.  [worker] */
void psv_worker_script_ready(struct psv_worker *worker);
/** Around code of the script's that runs while it waits for a request: interrupts reach it.  False: the
 * server stops, and there is no time for that.  Whoever ends the script need not end this.  [worker] */
MUST_CHECK bool psv_worker_script_begin_idle(struct psv_worker *worker);
void psv_worker_script_end_idle(struct psv_worker *worker);
/** What the log and a failed start say when the script ends badly: the last one counts; empty: none of those
 * before was the end.  Cut to its room.  [worker] */
void psv_worker_script_note_error(struct psv_worker *worker, struct psv_bytes text);
/** The same for how it has ended.  [worker] */
void psv_worker_script_note_exit(struct psv_worker *worker, int exit_status, bool has_bailed);
/** Size of its heap after a request, for the metrics.  [worker] */
void psv_worker_script_note_memory(struct psv_worker *worker, uint64_t bytes);
/** The script has ended; waits when that came too soon.  True: run it again; false: return from run().  After
 * psv_worker_next_job has returned NULL once, it does so until this was called.  [worker] */
bool psv_worker_script_end(struct psv_worker *worker, enum psv_script_end how);
/** Each script of worker mode boots again in its thread, after the request that it has: the runtime cannot go
 * on with what they hold (a cache that is emptied, say).  why: for the log.  [any] */
void psv_worker_scripts_reboot(const char *why);

/** True when the script gets no more requests: psv_worker_next_job would return NULL at once.  It does so
 * from then on, until psv_worker_script_end.  [worker] */
bool psv_worker_script_wants_end(struct psv_worker *worker);
/** Why; PSV_SCRIPT_GOES_ON while it gets more.  [worker] */
enum psv_script_reason psv_worker_script_reason(const struct psv_worker *worker);
/** The script gets no more requests, as the runtime wishes.  An earlier reason stays.  [worker] */
void psv_worker_script_retire(struct psv_worker *worker, enum psv_script_reason reason);

/** The next job to run, waiting for it; NULL when there will be none: the server stops, or the script is to
 * end.  [worker] */
struct psv_job *psv_worker_next_job(struct psv_worker *worker);
/** The same until deadline_ns (monotonic; 0: none); NULL with *ret_is_timeout: that has come, and there was
 * no job.  A deadline that has passed already asks without waiting.  [worker] */
struct psv_job *psv_worker_next_job_until(struct psv_worker *worker, uint64_t deadline_ns,
                                          bool *ret_is_timeout);
/** Gives the job back: finishes the response if that has not been done.  The job must not be touched any
 * more. */
void psv_worker_end_job(struct psv_worker *worker, struct psv_job *job);
/** 0 .. workers - 1.  [any] */
unsigned psv_worker_id(const struct psv_worker *worker);
