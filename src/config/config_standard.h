/* Environment variables that are not only ours (OpenTelemetry's): the weakest source but the defaults. [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "options.h"

struct psv_config_loaded;

/** Gives options that no other source has set the values of the standard's variables.  The collector's
 * address counts only where trace.enabled asks for traces: in containers it is often there for the
 * application alone. PSV_EINVAL with a sentence, PSV_ENOMEM. */
MUST_CHECK int psv_config_apply_standard(struct psv_config_loaded *loaded, char **environ,
                                         struct psv_error *reterr);
/** The variable of an option; "" for one that has none. */
const char *psv_config_standard_name(const struct psv_option *option);
