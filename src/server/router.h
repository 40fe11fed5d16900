/* Decides what answers a request: a file, a script, a redirect, or nothing.  [loop]
 * Traditional mode: what the path names below the document root, else the fallback.  With an index (front
 * controller or single-page application): files, and the index for all the rest.  Redirects, rewrites and the
 * patterns of scripts of worker mode come before that. Must not know codecs, jobs or how anything is sent.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "handler/dynamic.h"
#include "handler/file_cache.h"
#include "handler/static_file.h"

struct psv_body_filter;
struct psv_config;
struct psv_encoded_cache;
struct psv_exchange;
struct psv_route_rules;
struct psv_worker_routes;

enum psv_route_kind {
    PSV_ROUTE_STATIC,   /* file: psv_static_file_answer */
    PSV_ROUTE_SCRIPT,   /* script: psv_dynamic_dispatch */
    PSV_ROUTE_REDIRECT, /* location: psv_router_answer_redirect */
    PSV_ROUTE_NONE,     /* status and reason: psv_exchange_refuse */
};

/** All texts and the file live until the exchange is freed.  What the kind has no use for may not be set. */
struct psv_route {
    enum psv_route_kind kind;
    struct psv_static_choice file;
    struct psv_script script;
    unsigned worker; /* of SCRIPT: worker_routes.h's number of a script of worker mode; 0 = classic */
    struct psv_bytes location; /* path and query, relative to scheme and authority; safe as a field value */
    unsigned status;           /* of REDIRECT and NONE */
    const char *reason;        /* of NONE: static text for the log */
    const char *rule;          /* of the redirect or rewrite that was applied, as configured; NULL = none */
    const char *why;           /* static text, for people who ask; NULL = the path names it */
};

/** Which codings a client takes, and what they are good for; context NULL: none. */
struct psv_router_codings {
    void *context;
    unsigned (*rank)(void *context, const struct psv_headers *headers,
                     const struct psv_body_filter **ret_filters);
    bool (*takes_type)(void *context, struct psv_bytes content_type);
};

#define PSV_ROUTER_TYPES_KNOWN 64

/* Most that rank may return. */
#define PSV_ROUTER_CODINGS_MAX 4

struct psv_router {
    struct {
        const char *type; /* a media type of the table: static text */
        bool is_taken;
    } types_known[PSV_ROUTER_TYPES_KNOWN]; /* what codings.takes_type has said */
    struct psv_router_codings codings;     /* of copies of files */
    bool has_siblings;                     /* encoded copies may lie beside files */
    struct psv_encoded_cache *encoded;     /* copies that we make; NULL = none; borrowed */
    struct psv_file_cache cache;
    char *document_root; /* no slash at its end: "" is "/" */
    size_t document_root_len;
    char *index_text;
    struct psv_bytes
        index; /* "/index.php": answers all that is no file; empty: traditional mode; the configuration's */
    struct psv_bytes
        fallback; /* answers when the path names nothing; empty = 404; the configuration's, or static */
    struct psv_bytes assets; /* extensions, with commas between; the configuration's */
    struct psv_route_rules *redirects;
    struct psv_route_rules *rewrites;
    struct psv_worker_routes
        *workers; /* scripts of worker mode; NULL = none.  Set by who made the router, owned */
    bool static_enabled;
    bool runs_absent; /* a path that names nothing is for the executor all the same (stub) */
    const struct psv_static_file *static_file; /* how files are sent: the next field */
    struct psv_static_file static_file_storage;
    char cache_control[48]; /* its text */
};

/** root_fd: of the document root (psv_safe_open_root), borrowed; document_root: the same folder as an
 * absolute path, copied.  With static.enabled off, files count as absent and what names no script runs
 * /index.php.  config must outlive the router.  PSV_ENOMEM, PSV_EINVAL with what is wrong with a rule. [boot]
 */
MUST_CHECK int psv_router_new(const struct psv_config *config, int root_fd, struct psv_bytes document_root,
                              struct psv_router **ret_router, struct psv_error *reterr);
/** What psv_router_new would say of the configuration's rules.  [boot] */
MUST_CHECK int psv_router_check(const struct psv_config *config, struct psv_error *reterr);
/** All exchanges must be gone.  Accepts NULL; returns NULL.  [boot] */
struct psv_router *psv_router_free(struct psv_router *router);

/** Decides for exchange->request.path.  Always fills *ret; trouble of the server's own is a NONE with 500 or
 * 503. */
void psv_router_route(struct psv_router *router, struct psv_exchange *exchange, struct psv_route *ret);

/** Sends the 301 of a REDIRECT route. */
void psv_router_answer_redirect(struct psv_exchange *exchange, const struct psv_route *route);
