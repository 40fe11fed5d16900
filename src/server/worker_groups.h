/* The server's workers: the classic group, and one for each script of worker mode.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

struct psv_server;

/** Makes the groups' queues; *ret_jobs_max: as many parts can be on their way to the loop at once.  0,
 * PSV_ENOMEM. [boot] */
MUST_CHECK int psv_worker_groups_init(struct psv_server *server, size_t *ret_jobs_max,
                                      struct psv_error *reterr);
/** Starts the threads that run any script, before anything that could run one.  [boot] */
MUST_CHECK int psv_worker_groups_start_classic(struct psv_server *server, struct psv_error *reterr);
/** Boots the scripts of worker mode: code of the application, so privileges are dropped before.  [boot] */
MUST_CHECK int psv_worker_groups_start_scripts(struct psv_server *server, struct psv_error *reterr);
/** Ends all threads; false when some did not end: they keep using queues, mailbox and runtime.  [boot] */
bool psv_worker_groups_stop(struct psv_server *server);
/** Frees the queues.  [boot] */
void psv_worker_groups_fini(struct psv_server *server);
