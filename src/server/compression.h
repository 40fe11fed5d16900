/* Compression as it is configured; see compression.c.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "config/config.h"

struct psv_server;

/** Are the options sound?  [boot] */
MUST_CHECK int psv_compression_check(const struct psv_config *config, struct psv_error *reterr);
/** After the pipeline.  [boot] */
MUST_CHECK int psv_compression_init(struct psv_server *server, struct psv_error *reterr);
/** Ends the making of copies of files; false: a thread hangs in the file system.  [boot] */
bool psv_compression_stop(struct psv_server *server);
/** After the workers have ended and the router is gone.  [boot] */
void psv_compression_fini(struct psv_server *server);
