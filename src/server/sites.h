/* The sites and prefixes of the configuration as the pipeline uses them: for each its router, guards, pages,
 * fields, limits.  What a scope does not set for itself it shares with the scope around it: one rate limit
 * counts for all that inherit it.  [loop]; made and freed at [boot].
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "exec/error_pages.h"
#include "exec/exchange.h"
#include "handler/dynamic.h"
#include "http/extra_fields.h"
#include "net/timer.h"
#include "server/basic_auth.h"
#include "server/cors.h"
#include "server/early_refusal.h"
#include "server/guards.h"
#include "server/site_table.h"

struct psv_config;
struct psv_config_loaded;
struct psv_executor;
struct psv_router;
struct psv_sendfile;
struct psv_tls;

struct psv_site {
    const struct psv_config *config;
    struct psv_router *router;
    struct psv_guards *guards;
    bool has_other_guards; /* another scope of its site has guards of its own: prefix_guards.h */
    const struct psv_cors *cors;
    const struct psv_basic_auth *basic_auth; /* the same for all prefixes of a site */
    struct psv_early_rules early;
    uint16_t redirect_port; /* plain requests are sent to https on this port; 0 = they are served */
    struct psv_dynamic_site dynamic;
    struct psv_exchange_site answers;
    struct psv_timer_queue deadline_queue; /* request deadlines, from dispatch on */
    struct psv_timer_queue slow_queue;     /* scripts that run for long are logged */
    struct psv_timer_queue wait_queue;     /* for a worker; duration 0 = no limit but the deadline */

    /* what it does not share */
    char *docroot; /* absolute, from realpath(3); NULL: the one around */
    int docroot_fd;
    struct psv_router *own_router;
    struct psv_sendfile *own_sendfile;
    struct psv_guards own_guards;
    struct psv_cors own_cors;
    struct psv_basic_auth own_basic_auth;
    struct psv_error_pages own_pages;
    struct psv_extra_fields fields;
    struct psv_extra_fields secure_fields; /* over TLS of our own */
    char hsts_text[40];
    struct psv_dynamic_limit own_limit;
    void *own_settings; /* of the executor */
};

struct psv_sites {
    struct psv_site *items; /* by number, see site_table.h; the first is the configuration itself */
    size_t len;
    struct psv_site_table table;
    const struct psv_executor *executor;
};

/** The executor is started.  Timer queues are left to psv_pipeline_init.  On failure psv_sites_fini frees
 * what there is.  PSV_EINVAL, PSV_ENOENT, PSV_ENOMEM ... with a sentence.  [boot] */
MUST_CHECK int psv_sites_init(struct psv_sites *sites, const struct psv_config_loaded *loaded,
                              const struct psv_executor *executor, struct psv_error *reterr);
/** All exchanges must be gone, and the executor's threads.  Accepts a zeroed struct.  [boot] */
void psv_sites_fini(struct psv_sites *sites);

/** The site of a request by its host and path; NULL: there is none for this host. */
static inline struct psv_site *psv_sites_find(const struct psv_sites *sites,
                                              const struct psv_request *request)
{
    size_t number = 0;

    if (sites->table.is_single) {
        return &sites->items[0];
    }
    return psv_site_table_find(&sites->table, request->host, request->path, &number) ? &sites->items[number]
                                                                                     : NULL;
}
