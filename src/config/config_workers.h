/* The scripts of worker mode: --worker, and [[worker]] of the TOML file.  Internal to config/.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"
#include "config.h"
#include "config_file.h"

/** Whether this path of a TOML file belongs to a script: "worker", "worker[0].count" ... */
bool psv_config_is_of_worker(struct psv_bytes path);

/** Counts the tables, and refuses what is not a list of tables.  0, PSV_EINVAL, PSV_ELIMIT. */
MUST_CHECK int psv_config_check_worker_tables(const struct psv_config_file *file, struct psv_bytes path,
                                              const struct psv_toml_value *value);

/** Fills loaded->workers: --worker first, then the file's; all other sources have been applied: what a table
 * does not set, it has from section worker_mode.  Files that are not there are left to
 * psv_config_check_workers.  0, PSV_EINVAL, PSV_ELIMIT, PSV_ENOMEM. */
MUST_CHECK int psv_config_apply_workers(struct psv_config_loaded *loaded, struct psv_bytes text,
                                        const char *name, struct psv_error *reterr);

/** Rules for scripts: the file and the site are there, none is there twice.  0, PSV_EINVAL, PSV_ENOENT. */
MUST_CHECK int psv_config_check_workers(const struct psv_config_loaded *loaded, struct psv_error *reterr);

/** The option of a key of [[worker]], such as "count"; NULL: there is none. */
const struct psv_option *psv_config_worker_option(struct psv_bytes key);
/** Its bit in psv_config_worker.set. */
uint32_t psv_config_worker_bit(const struct psv_option *option);
