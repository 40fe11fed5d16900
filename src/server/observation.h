/* What is told about requests, from the options: the form of the access log, traces and their exporter.
 * [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"

struct psv_config;
struct psv_pipeline;
struct psv_server;

/** What is wrong with the options; PSV_EINVAL with a sentence. */
MUST_CHECK int psv_observation_check(const struct psv_config *config, struct psv_error *reterr);
/** Prepares the pipeline's access log and traces; starts the server's exporter when there is a collector and
 * it does not run yet.  PSV_EINVAL, PSV_ENOMEM, PSV_ELIMIT. */
MUST_CHECK int psv_observation_init(struct psv_server *server, struct psv_pipeline *pipeline,
                                    const struct psv_config *config, struct psv_error *reterr);
/** Sends what spans there are yet.  No request ends any more.  Accepts what was never prepared.  False: the
 * exporter hangs, and the process must end by _exit. */
MUST_CHECK bool psv_observation_fini(struct psv_server *server, struct psv_pipeline *pipeline);
