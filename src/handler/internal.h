/* Answers of the internal listener: /health, /ready, /metrics, /config, /status.  [loop]  Facts come through
 * a function that the server gives, so that nothing here reaches for the server's parts.  Must not know
 * codecs or threads.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct psv_body_filter;
struct psv_config_loaded;
struct psv_exchange;
struct psv_executor;
struct psv_frankenphp_admin;
struct psv_headers;
struct psv_internal;
struct psv_worker_report;
struct psv_worker_script_facts;

/** The state of the house at one moment. */
struct psv_internal_facts {
    uint64_t connections;
    uint64_t queue_len;
    uint64_t queue_capacity;
    uint64_t jobs_taken; /* jobs that workers have taken out of the queue since the start, modulo 2^64: shows
                            progress */
    unsigned workers;    /* as many as there should be */
    unsigned workers_busy;
    unsigned workers_alive;
    unsigned workers_lost;    /* given up, and still within their job */
    uint64_t workers_busy_ns; /* time spent with jobs so far */
    unsigned crashes;         /* of servers, since the supervisor started */
    unsigned reloads_done;    /* by the supervisor */
    unsigned reloads_failed;
    bool last_reload_failed;
    uint64_t last_reload_unix_s; /* the last successful one; 0 = none */
    bool is_draining;
    bool has_dead_script;  /* of worker mode: none of its workers has been there for a while, or none boots */
    bool probe_was_right;  /* PHP has answered the last question, ... */
    uint64_t probe_age_ns; /* ... so long ago */
};

typedef void psv_internal_facts_fn(void *context, struct psv_internal_facts *ret_facts);
typedef uint64_t psv_internal_clock_fn(void);

/** A server whose PHP has not answered for so long is not ready. */
#define PSV_INTERNAL_PROBE_MAX_MS 10000

/** A script of worker mode without any worker for so long makes the server unready. */
#define PSV_INTERNAL_UNSERVED_MAX_MS 10000

/** Workers that are all busy while the queue is full and nobody takes a job for so long count as stuck. */
#define PSV_INTERNAL_STUCK_AFTER_MS 10000

struct psv_internal_options {
    const char *version;                    /* of the program */
    const struct psv_config_loaded *config; /* shown by /config */
    const struct psv_executor *executor;    /* its metrics and facts are shown too; NULL = none */
    psv_internal_facts_fn *read_facts;      /* called on the loop; must not block */
    /** What each worker does; fills up to max, returns how many there are.  NULL = not known. */
    unsigned (*read_workers)(void *context, struct psv_worker_report *out, unsigned max);
    /** The scripts of worker mode; fills up to max, returns how many it has filled.  NULL = there are none.
     */
    size_t (*read_scripts)(void *context, struct psv_worker_script_facts *out, size_t max);
    /** The coding of a scrape for a client with these fields, or one without a name, or NULL.  NULL = never
     * any. */
    const struct psv_body_filter *(*choose_coding)(void *context, const struct psv_headers *headers);
    void *context;                                 /* of all three */
    const struct psv_frankenphp_admin *frankenphp; /* asked for what is no page here; NULL = off */
    psv_internal_clock_fn *monotonic_ns;           /* NULL = the coarse system clock */
};

/** The executor is started.  Everything in options is borrowed.  NULL when out of memory.  [boot] */
MUST_CHECK struct psv_internal *psv_internal_new(const struct psv_internal_options *options);
/** Accepts NULL; returns NULL.  [boot] */
struct psv_internal *psv_internal_free(struct psv_internal *internal);

/** Takes the samples of /status: call it every PSV_HISTORY_TICK_NS (handler/history.h). */
void psv_internal_tick(struct psv_internal *internal);

/** Answers the exchange in any case, at its head: a request body is of no interest. */
void psv_internal_answer(struct psv_internal *internal, struct psv_exchange *exchange);
