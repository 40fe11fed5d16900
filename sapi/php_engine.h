/* Start and end of the PHP engine in this process, and what it was started with.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

struct psv_config;

/** What the engine takes from the configuration; texts live as long as the process. */
struct psv_php_settings {
    const char *sapi_name;          /* PHP_SAPI */
    const char *ini_path;           /* php.ini or its directory; NULL = where PHP looks by itself */
    const char *const *definitions; /* -d name=value */
    size_t definitions_len;
    const char *user; /* that the process becomes later; "" = as it is */
    unsigned workers;
    bool limits_wall_time;  /* max_execution_time counts waiting as well */
    bool is_dev;            /* development mode: other defaults, error pages with source */
    uint64_t start_unix_us; /* when the engine was started */
};

MUST_CHECK int psv_php_engine_start(const struct psv_config *config, struct psv_error *reterr);
void psv_php_engine_stop(void);

/** What the engine runs with.  [any] after the start */
const struct psv_php_settings *psv_php_engine_settings(void);
