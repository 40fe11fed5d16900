/* The door to PHP: the executor `ext`, which runs every request through the embedded engine.  Free of php.h,
 * so that main.c can register it without knowing PHP.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "phpsrv/executor.h"

extern const struct psv_executor psv_executor_ext;
