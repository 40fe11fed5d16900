/* The executor `eval`: as `ext`, but the text of each requested script is read and compiled as eval() does,
 * past opcache and its compiled form.  Slow, and right without any cache: what to compare with when a result
 * looks stale.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct psv_config;

/** process_start of the executor: the engine's, then the compiler of requested scripts is replaced.  [boot]
 */
MUST_CHECK int psv_php_eval_start(const struct psv_config *config, struct psv_error *reterr);
/** process_stop: puts the compiler back.  [boot] */
void psv_php_eval_stop(void);
