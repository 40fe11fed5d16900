/* Where a value comes from, as text.  Internal to config/.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "config.h"
#include "options.h"

#define PSV_CONFIG_ORIGIN_BYTES 256

/** "default", "phpsrv.toml:3", "PHPSRV_WORKERS", "--workers"; NUL-terminated, control bytes replaced, cut
 * when long. */
void psv_config_origin_format(const struct psv_config_loaded *loaded, const struct psv_option *option,
                              char out[PSV_CONFIG_ORIGIN_BYTES]);
