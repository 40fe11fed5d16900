/* "frankenphp run -c CADDYFILE" as Laravel Octane calls it: what Octane wants stands in variables, which its
 * Caddyfile would only put into place.  The Caddyfile itself is not read.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct psv_frankenphp_arguments;

/** Adds what serves the application.  arguments: those behind "run"; cores: that threads may use.  0;
 * PSV_EINVAL with a sentence: not Octane's variables, or something in them that is not here. */
MUST_CHECK int psv_frankenphp_octane(struct psv_frankenphp_arguments *list, char *const *arguments,
                                     unsigned cores, struct psv_error *reterr);
