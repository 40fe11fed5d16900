/* Calls of the internal listener that change something: restarts of the scripts of worker mode.  They need
 * the token of the configuration.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/list.h"
#include "base/macros.h"

struct psv_exchange;
struct psv_server;

struct psv_worker_admin {
    struct psv_server *server;
    struct psv_list waiting; /* calls whose restart is not over */
    char *token;             /* NULL: none is configured, and such calls are refused */
};

/** Reads the token.  PSV_EINVAL, PSV_ENOENT ... with a sentence.  [boot] */
MUST_CHECK int psv_worker_admin_boot(struct psv_server *server, struct psv_error *reterr);
void psv_worker_admin_fini(struct psv_server *server);

/** Answers POST /workers/restart, /workers/NAME/restart and /frankenphp/workers/restart, at once or when the
 * restart is over; false: it is none of these. */
bool psv_worker_admin_answer(struct psv_worker_admin *admin, struct psv_exchange *exchange);
/** The exchange is at its end: nobody waits any more. */
void psv_worker_admin_forget(struct psv_exchange *exchange);
