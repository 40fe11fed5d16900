/* The other defaults of development mode.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct psv_config_loaded;

/** After all sources, with dev.enabled: what nobody has set gets the value that suits a developer, with the
 * origin "dev".  0, PSV_ENOMEM. */
MUST_CHECK int psv_config_apply_dev(struct psv_config_loaded *loaded, struct psv_error *reterr);
