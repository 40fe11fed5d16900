/* The server as a whole: all that main.c needs.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

struct psv_config_loaded;
struct psv_executor;
struct psv_server;

/** The program: reads command line, environment and file, does what they ask (help, version, check, serve)
 * and returns the exit code.  runtimes: what --executor chooses from, the default first; the stub joins them
 * by itself.  [boot] */
int psv_cli_main(int argc, char **argv, char **environment, const struct psv_executor *const *runtimes,
                 size_t runtimes_len);

/** Boots floor by floor; afterwards the listeners accept.  config must outlive the server.  [boot] */
MUST_CHECK int psv_server_start(const struct psv_config_loaded *config, struct psv_server **ret_server,
                                struct psv_error *reterr);
/** Serves until a signal has asked for the end and what ran is finished (or the drain timeout has passed).
 * Returns the process's exit code.  The calling thread becomes the loop thread. */
int psv_server_wait(struct psv_server *server);
/** Stops what is left and frees everything.  Accepts NULL. */
void psv_server_free(struct psv_server *server);
