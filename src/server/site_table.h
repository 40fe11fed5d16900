/* Which site and prefix of the configuration a request belongs to, by its host and path.  Made once at boot;
 * looking up changes nothing.  [boot], [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/map.h"
#include "http/path_rules.h"

struct psv_config_loaded;
struct psv_site_row;

/** Scopes are numbered: 0 is the configuration itself, all others their index in loaded->scopes + 1. */
struct psv_site_table {
    struct psv_map hosts;      /* in lower case, "*.example.org" as ".example.org" -> row */
    struct psv_site_row *rows; /* by number */
    size_t *prefixes;          /* numbers, those of a site together, the longest first */
    char *text;                /* of the hosts */
    bool is_single;            /* no scopes, and all hosts are served */
    bool has_hosts;            /* the configuration itself serves named hosts only */
};

/** loaded must outlive the table.  PSV_ENOMEM.  [boot] */
MUST_CHECK int psv_site_table_init(struct psv_site_table *table, const struct psv_config_loaded *loaded,
                                   struct psv_error *reterr);
/** Accepts a zeroed struct. */
void psv_site_table_fini(struct psv_site_table *table);

/** The number of the scope: an exact host before "*.", the longest "*." before shorter ones, then the
 * configuration itself; in it the longest prefix, by whole path segments.  False: no site has this host
 * (421, RFC 9110 15.5.20).  host: without port, in any case, with or without the dot at its end; path:
 * decoded. */
bool psv_site_table_find(const struct psv_site_table *table, struct psv_bytes host, struct psv_bytes path,
                         size_t *ret_number);

/** The whole site that a scope belongs to. */
size_t psv_site_table_site_of(const struct psv_site_table *table, size_t number);
/** The innermost prefix of that site which path may be taken to be below, as http/path_rules.h says; the site
 * itself when there is none. */
size_t psv_site_table_find_seen(const struct psv_site_table *table, size_t site, struct psv_bytes path,
                                enum psv_path_view view);
