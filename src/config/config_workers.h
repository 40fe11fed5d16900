/* The scripts of worker mode: --worker.  Internal to config/.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "config.h"

/** Fills loaded->workers.  0, PSV_EINVAL, PSV_ENOENT, PSV_ENOMEM. */
MUST_CHECK int psv_config_apply_workers(struct psv_config_loaded *loaded, struct psv_error *reterr);
