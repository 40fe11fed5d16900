/* See config_toml.h.
 *
 * SPDX-License-Identifier: MIT */
#include "config_toml.h"

#include "config_file.h"
#include "config_scopes.h"
#include "config_workers.h"
#include "options.h"
#include "toml_reader.h"

static int visit(struct psv_bytes path, const struct psv_toml_value *value, void *argument)
{
    const struct psv_config_file *file = argument;
    if (psv_config_is_of_scope(path)) {
        return psv_config_check_scopes(file, path, value);
    }
    if (psv_config_is_of_worker(path)) {
        return psv_config_check_worker_tables(file, path, value);
    }
    const struct psv_option *option = psv_option_find_path(path);
    if (option == NULL) {
        return psv_config_file_refuse(file, path, value);
    }
    int result = psv_config_file_set(file, option, &file->loaded->config, value);
    if (result == 0) {
        file->loaded->origins[psv_option_index(option)] =
            (struct psv_config_origin){.kind = PSV_CONFIG_ORIGIN_FILE, .line = value->line};
    }
    return result;
}

int psv_config_apply_toml(struct psv_config_loaded *loaded, struct psv_bytes text, const char *name,
                          struct psv_error *reterr)
{
    struct psv_config_file file = {.loaded = loaded, .name = name, .reterr = reterr};
    return psv_toml_read(text, name, visit, &file, reterr);
}
