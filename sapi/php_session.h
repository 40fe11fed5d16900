/* Sessions whose save handler is written in PHP, and fails: PHP does not call its close() then, and what it
 * has locked stays locked.  Include php_compat.h first.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/macros.h"

/** When all modules have started.  [boot] */
void psv_php_session_on_started(void);
/** Ends the session of a request of worker mode: writes and closes it, whatever its handler throws; handlers
 * that the script has set stay.  May leave an exception.  module: PHP's session module; NULL: not loaded.
 * False: close() has failed as well, so that what the handler itself has locked is still locked.  [worker] */
MUST_CHECK bool psv_php_session_end(const zend_module_entry *module);
/** Closes what the module's end of a request has left open.  [worker] */
void psv_php_session_close_left(void);
