/* Assertions that stay on in production.  Only for our own bugs: never on a peer's input, a script's
 * behaviour or a system call that can fail.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/macros.h"

/** Called with what failed just before the process aborts; set once at boot.  [boot] */
typedef void psv_panic_hook_fn(const char *file, int line, const char *what);

void psv_panic_set_hook(psv_panic_hook_fn *hook);

/** Prints file, line and what to standard error, runs the hook, aborts.  [any] */
_Noreturn void psv_panic(const char *file, int line, const char *what);

#define INVARIANT(c) (LIKELY(c) ? (void)0 : psv_panic(__FILE__, __LINE__, #c))
#define UNREACHABLE(why) psv_panic(__FILE__, __LINE__, "unreachable: " why)

/** First field of long-lived structs; every function that gets a void pointer checks it on entry. */
#define CHECK_MAGIC(p, value) INVARIANT((p) != NULL && (p)->magic == (value))
