/* The door to PHP: the executor `ext`, which runs every request through the embedded engine, and `eval`,
 * which does so without opcache for the requested script.  Free of php.h, so that main.c can register it
 * without knowing PHP.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "phpsrv/executor.h"

extern const struct psv_executor psv_executor_ext;
extern const struct psv_executor psv_executor_eval;
