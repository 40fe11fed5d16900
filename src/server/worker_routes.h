/* Which script of worker mode answers a request: by the script that the path names, or by a pattern of its
 * own.  A router asks; one set of routes for each document root, made at [boot], looked up on the [loop].
 * Must not know queues and threads.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"

struct psv_config_loaded;
struct psv_worker_routes;

/** A script of worker mode as requests see it; texts are followed by a NUL and live as long as the routes. */
struct psv_worker_route {
    unsigned number;           /* its index in loaded->workers + 1, and its group's in the server */
    struct psv_bytes name;     /* SCRIPT_NAME */
    struct psv_bytes filename; /* SCRIPT_FILENAME */
};

/** The routes of a scope (0 = the configuration itself, else its index in loaded->scopes + 1), whose document
 * root is this folder, absolute and without links.  *ret NULL: no script of worker mode answers there. loaded
 * must outlive them.  PSV_EINVAL, PSV_ENOMEM.  [boot] */
MUST_CHECK int psv_worker_routes_new(const struct psv_config_loaded *loaded, size_t number,
                                     struct psv_bytes document_root, struct psv_worker_routes **ret,
                                     struct psv_error *reterr);
/** Accepts NULL; returns NULL.  [boot] */
struct psv_worker_routes *psv_worker_routes_free(struct psv_worker_routes *routes);

/** The script of worker mode that is found under this name below the document root ("/index.php"), or NULL.
 * routes may be NULL. */
const struct psv_worker_route *psv_worker_routes_find(const struct psv_worker_routes *routes,
                                                      struct psv_bytes name);
/** The script of the first pattern that matches the decoded path, or NULL: those of scripts for one site
 * before those for all, then in the order of the configuration.  *ret_pattern (may be NULL): the pattern as
 * configured. */
const struct psv_worker_route *psv_worker_routes_match(const struct psv_worker_routes *routes,
                                                       struct psv_bytes path, const char **ret_pattern);

/** Patterns are patterns, none is there twice for a site, and requests come to every script. psv_config_check
 * has passed.  PSV_EINVAL with a sentence, PSV_ENOMEM.  [boot] */
MUST_CHECK int psv_worker_routes_check(const struct psv_config_loaded *loaded, struct psv_error *reterr);
