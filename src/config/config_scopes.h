/* [[sites]], [[sites.prefixes]] and [[prefixes]] of the TOML file: scopes that have some options for
 * themselves. Internal to config/.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"
#include "config_file.h"

/** Whether this path of a TOML file belongs to scopes: "sites", "sites[0].docroot", "prefixes[2]" ... */
bool psv_config_is_of_scope(struct psv_bytes path);

/** Counts the scopes, and refuses what is not a list of tables.  0, PSV_EINVAL. */
MUST_CHECK int psv_config_check_scopes(const struct psv_config_file *file, struct psv_bytes path,
                                       const struct psv_toml_value *value);

/** Fills loaded->scopes from the text; all other sources have been applied: what a scope does not set, it has
 * from there.  Does nothing when psv_config_check_scopes has counted none.  0, PSV_EINVAL, PSV_ENOMEM. */
MUST_CHECK int psv_config_apply_scopes(struct psv_config_loaded *loaded, struct psv_bytes text,
                                       const char *name, struct psv_error *reterr);

/** Rules for hosts and prefixes: spelled right, none twice.  0, PSV_EINVAL. */
MUST_CHECK int psv_config_check_names(const struct psv_config_loaded *loaded, struct psv_error *reterr);
