/* Requests that a worker answers: freezes the exchange into a job, offers it to the queue, and turns the
 * parts that come back into the response.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

struct psv_body_decoder;
struct psv_body_filter;
struct psv_body_injection;
struct psv_exchange;
struct psv_headers;
struct psv_mailbox;
struct psv_response_part;
struct psv_sendfile;
struct psv_worker_group;

/** What a route found; texts are followed by a NUL and live on the exchange's arena (or longer). */
struct psv_script {
    struct psv_bytes filename;      /* absolute */
    struct psv_bytes name;          /* URL path */
    struct psv_bytes path_info;     /* data NULL without one */
    struct psv_worker_group *group; /* whose workers run it; borrowed */
};

/** Requests that may be queued or running at once. */
struct psv_dynamic_limit {
    uint64_t max; /* 0 = no limit */
    uint64_t len;
};

/** What differs from site to site; outlives all exchanges.  Everything is borrowed. */
struct psv_dynamic_site {
    struct psv_bytes document_root; /* absolute, followed by a NUL */
    struct psv_bytes server_name;   /* configured; empty = the request's host */
    uint64_t timeout_ns;            /* of a request from dispatch to the end of its script; 0 = none */
    uint64_t stream_timeout_ms;     /* of an event stream, from its beginning; 0 = none */
    struct psv_sendfile *sendfile;  /* files that scripts hand over; NULL = none */
    struct psv_dynamic_limit *limit;
    const void *settings; /* psv_executor.settings_start; NULL = the process's */
    bool hides_runtime;   /* the runtime does not name itself (X-Powered-By) */
};

struct psv_dynamic {
    struct psv_worker_group *groups; /* the classic one first */
    unsigned groups_len;
    struct psv_mailbox *mailbox;
    size_t response_memory_bytes;
    uint64_t response_window_bytes;
    uint64_t give_up_ns; /* past its deadline a worker is left behind after this; 0 = never */
    bool wants_usage;    /* jobs count processor time and memory */
    /** How a response to a request with these fields is encoded; NULL: as it is.  The function may be NULL.
     */
    const struct psv_body_filter *(*choose_filter)(void *context, const struct psv_headers *headers);
    void *filter_context;
    /** What is put into the response's page; NULL: nothing.  The function may be NULL. */
    const struct psv_body_injection *(*choose_injection)(void *context, const struct psv_exchange *exchange);
    void *injection_context;
    /** How the body of a request with these fields is decoded; *ret NULL: not at all.  0, or PSV_EUNSUPPORTED
     * (415).  The function may be NULL. */
    int (*choose_decoder)(void *context, const struct psv_headers *headers,
                          const struct psv_body_decoder **ret_decoder);
    void *decoder_context;
    /** May answer a request whose deadline has passed, before its script is asked to stop; what it leaves
     * gets a plain 504.  The function may be NULL. */
    void (*answer_overdue)(void *context, struct psv_exchange *exchange);
    void *overdue_context;
    /** The worker has let go of the exchange, which had ended before: free it. */
    void (*on_released)(struct psv_exchange *exchange);
    /** The exchange's worker was left behind; it may come back some day, then on_released is called. */
    void (*on_given_up)(struct psv_exchange *exchange);
};

/** 0: queued, the answer comes by itself.  PSV_EFULL, PSV_ESTOPPING (503), PSV_ENOMEM (500): the exchange is
 * as before. */
MUST_CHECK int psv_dynamic_dispatch(struct psv_dynamic *dynamic, const struct psv_dynamic_site *site,
                                    struct psv_exchange *exchange, const struct psv_script *script,
                                    uint64_t now_ns);
/** The site has as many requests queued and running as it may. */
bool psv_dynamic_is_at_limit(const struct psv_dynamic_site *site);

/** Wakes a worker for what has been queued; at the end of each batch of the loop. */
void psv_dynamic_announce(struct psv_dynamic *dynamic);

/** A part came through the mailbox. */
void psv_dynamic_on_part(struct psv_dynamic *dynamic, struct psv_response_part *part);

/** Response bytes have left: a script that waits in flush() may go on. */
void psv_dynamic_on_sent(struct psv_exchange *exchange, uint64_t bytes);

/** The client left while a worker holds (or will get) the job. */
void psv_dynamic_on_client_gone(struct psv_exchange *exchange);

/** Takes a request back from the queue; false when a worker has begun it (or its client left): nothing has
 * changed.  After true it never runs, and the caller answers it. */
MUST_CHECK bool psv_dynamic_withdraw(struct psv_exchange *exchange);

/** The deadline has come.  Returns false when the script has moved it to later.  Else the client is answered
 * 504 (or cut off when the response had begun) and the script is asked to stop; may be called again while the
 * script goes on. */
bool psv_dynamic_on_deadline(struct psv_dynamic *dynamic, struct psv_exchange *exchange, uint64_t now_ns);
