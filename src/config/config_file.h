/* Applies a TOML text to a configuration.  Internal to config/.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"
#include "config.h"
#include "options.h"

struct psv_toml_value;

/** A file that is being applied. */
struct psv_config_file {
    struct psv_config_loaded *loaded;
    const char *name; /* how messages call it */
    struct psv_error *reterr;
};

/** Sets what the text names outside of sites, prefixes and workers, notes its origins.  name: how messages
 * call the file.  0, PSV_EINVAL, PSV_ESYNTAX, PSV_ELIMIT, PSV_ENOMEM; some options may be set already then.
 */
MUST_CHECK int psv_config_apply_toml(struct psv_config_loaded *loaded, struct psv_bytes text,
                                     const char *name, struct psv_error *reterr);

/** Sets one option of config; lists are added to.  PSV_EINVAL, PSV_ENOMEM. */
MUST_CHECK int psv_config_file_set(const struct psv_config_file *file, const struct psv_option *option,
                                   struct psv_config *config, const struct psv_toml_value *value);
/** The same under another name in messages. */
MUST_CHECK int psv_config_file_set_as(const struct psv_config_file *file, const struct psv_option *option,
                                      struct psv_config *config, const struct psv_toml_value *value,
                                      const char *name);
/** A key that is no option's, or a table that may be empty.  0 for a known section; else PSV_EINVAL. */
MUST_CHECK int psv_config_file_refuse(const struct psv_config_file *file, struct psv_bytes path,
                                      const struct psv_toml_value *value);
