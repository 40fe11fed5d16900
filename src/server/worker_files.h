/* Files of the scripts of worker mode: when one changes that a script watches, the script is restarted.
 * [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"

struct psv_server;
struct psv_worker_files;

/** Whether a script (of group 1 ...) watches files: then a boot that fails does not end the start. */
bool psv_worker_files_are_watched(const struct psv_server *server, unsigned group);
/** Watches what the configuration says; with --dev without that the folder of the application.
 * server->worker_files stays NULL when there is nothing to watch.  PSV_ENOMEM.  [boot] */
MUST_CHECK int psv_worker_files_boot(struct psv_server *server, struct psv_error *reterr);
/** Accepts NULL; returns NULL.  [boot] */
struct psv_worker_files *psv_worker_files_free(struct psv_worker_files *files);
/** A change was seen, and what it leads to is not done yet. */
bool psv_worker_files_are_changing(const struct psv_server *server);
