/* The list of executors that --executor chooses from.  Filled at boot by main.c, so that exec/ names no
 * runtime.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "phpsrv/executor.h"

/** [boot]; at most 8. */
void psv_executor_register(const struct psv_executor *executor);
/** NULL if absent. */
const struct psv_executor *psv_executor_find(const char *name);
/** index 0.. in order of registration; NULL past the end. */
const struct psv_executor *psv_executor_at(size_t index);

/** Answers every job with an empty-ish 200 and runs no PHP: the reference for what the server itself costs.
 */
extern const struct psv_executor psv_executor_stub;
