/* Applies a TOML text to a configuration: every key must be an option's path, every value of its type.
 * Internal to config/.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"
#include "config.h"

/** Sets what the text names outside of sites, prefixes and workers, notes its origins.  name: how messages
 * call the file.  0, PSV_EINVAL, PSV_ESYNTAX, PSV_ELIMIT, PSV_ENOMEM; some options may be set already then.
 */
MUST_CHECK int psv_config_apply_toml(struct psv_config_loaded *loaded, struct psv_bytes text,
                                     const char *name, struct psv_error *reterr);
