/* Keys and values of a TOML file, for all that read one.  Internal to config/.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

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

/** Takes "word" or "word[N]" off the front of a path, with the dot behind it: then true.  *ret_is_list: the
 * path is the list of tables itself, or something else that has its name.  *ret_index_plus_1: N + 1. */
bool psv_config_file_take_table(struct psv_bytes *path, const char *word, bool *ret_is_list,
                                size_t *ret_index_plus_1);
/** Whether it is a list of tables, or empty. */
bool psv_config_file_are_tables(const struct psv_toml_value *value);
