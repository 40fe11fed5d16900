/* Under which names a document root has a script of worker mode, and which sites' paths its patterns are for.
 * [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

struct psv_config;
struct psv_config_loaded;
struct psv_config_worker;

/* The script's own name, and links to it where they are looked for. */
#define PSV_WORKER_NAMES_MAX 6

/** "/index.php", "/sub/x.php": too large for a stack. */
struct psv_worker_names {
    struct psv_bytes items[PSV_WORKER_NAMES_MAX];
    unsigned len;
    char text[PSV_WORKER_NAMES_MAX][PATH_MAX];
};

/** The document root, absolute and without links; "" for "/".  False: it cannot be resolved. */
bool psv_worker_names_root(const struct psv_config *config, char root[PATH_MAX]);
/** Names of the script below such a root.  config: of the scope that has the root. */
void psv_worker_names_find(const struct psv_config *config, const struct psv_config_worker *worker,
                           const char *root, struct psv_worker_names *names);
/** Whether the script's patterns are for requests of this site (a scope's number): it was given the site, or
 * lies in it, or there is only one.  names: scratch. */
bool psv_worker_has_patterns_in(const struct psv_config_loaded *loaded,
                                const struct psv_config_worker *worker, size_t site,
                                struct psv_worker_names *names);
