/* Scripts on the command line: PHP's own CLI of the same build, with the server's php.ini and definitions, so
 * that cron jobs and consoles need no second PHP.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct psv_config;

/** Becomes PHP's CLI, run with arguments (the script first, NULL at the end).  Comes back only with an error:
 * PSV_ENOENT where PHP's CLI is not installed.  [boot] */
MUST_CHECK int psv_php_cli_run(const struct psv_config *config, char **arguments, struct psv_error *reterr);
