/* Settings that PHP keeps beside its ini settings: which of them a request has touched is noticed by wrapping
 * the functions that set them; what they were is asked and put back with PHP's own functions.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

struct psv_php_kept; /* values of all of them; memory of the running script */

/** Wraps the functions; from MINIT.  [boot] */
void psv_php_touched_on_module_init(void);

/** What the values are now; from here on touching is noted.  Request memory.  [worker] */
struct psv_php_kept *psv_php_touched_keep(void);
/** name: static text; detail: what of it, or NULL. */
typedef void psv_php_tell_fn(void *context, const char *name, const char *detail);
/** Calls tell with the name of each group that has changed since then; the values are put back (restores), or
 * the new ones are kept.  The functions called may leave an exception.  [worker] */
void psv_php_touched_settle(struct psv_php_kept *kept, bool restores, psv_php_tell_fn *tell, void *context);
/** [worker] */
void psv_php_touched_free(struct psv_php_kept *kept);
