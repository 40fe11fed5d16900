/* The supervisor: holds the listening sockets, starts the server as a process of its own, starts it anew when
 * it crashes, and swaps generations on reload.  Runs no PHP, parses no HTTP, and has one thread beside the
 * log's.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct psv_config_loaded;

struct psv_supervisor_options {
    int argc;
    char **argv;
    const struct psv_config_loaded *config; /* of the first generation */
    /** What the server process does: serves, and returns the exit code. */
    int (*serve)(const struct psv_config_loaded *config);
    /** Rules that psv_config_check does not know. */
    int (*check)(const struct psv_config_loaded *config, struct psv_error *reterr);
};

/** Serves until it is told to end.  Returns the exit code; -1 with a sentence when there is nothing to serve
 * from. */
MUST_CHECK int psv_supervise(const struct psv_supervisor_options *options, struct psv_error *reterr);
