/* The process's password checker: its threads, and the loop's watch for what they find.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"

struct psv_server;

/** Starts it when some path needs a password. */
MUST_CHECK int psv_passwords_boot(struct psv_server *server, struct psv_error *reterr);
/** False: a check does not end, and the process must end as it is.  All connections are closed. */
bool psv_passwords_stop(struct psv_server *server);
/** Harmless when it was not started. */
void psv_passwords_fini(struct psv_server *server);
