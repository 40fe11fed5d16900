/* See config_dev.h.  PHP's own settings of development mode are in sapi/php_ini_settings.c.  Knows no
 * source of values.
 *
 * SPDX-License-Identifier: MIT */
#include "config_dev.h"

#include "base/assert.h"
#include "base/macros.h"
#include "config.h"
#include "option_value.h"
#include "options.h"

static const struct {
    struct psv_bytes path;
    struct psv_bytes value;
} defaults[] = {
    /* error pages show source and settings: for this machine only */
    {PSV_BYTES_INIT("listen.address"), PSV_BYTES_INIT("127.0.0.1:8080")},
    {PSV_BYTES_INIT("tls.listen"), PSV_BYTES_INIT("127.0.0.1:8443")},
    {PSV_BYTES_INIT("log.level"), PSV_BYTES_INIT("debug")},
    {PSV_BYTES_INIT("log.access"), PSV_BYTES_INIT("short")},
    /* what was just saved is what is seen */
    {PSV_BYTES_INIT("static.cache_valid_ms"), PSV_BYTES_INIT("0")},
    {PSV_BYTES_INIT("static.ttl_ms"), PSV_BYTES_INIT("0")},
    /* Ctrl-C and reloads do not wait for long */
    {PSV_BYTES_INIT("server.drain_timeout_ms"), PSV_BYTES_INIT("5s")},
};

int psv_config_apply_dev(struct psv_config_loaded *loaded, struct psv_error *reterr)
{
    for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
        const struct psv_option *option = psv_option_find_path(defaults[i].path);
        INVARIANT(option != NULL && option->type != PSV_OPTION_LIST);
        struct psv_config_origin *origin = &loaded->origins[psv_option_index(option)];
        const struct psv_option_target target = {
            .config = &loaded->config, .arena = &loaded->arena, .where = option->path, .reterr = reterr};
        if (origin->kind != PSV_CONFIG_ORIGIN_DEFAULT)
            continue;
        int code = psv_option_set_text(option, &target, defaults[i].value);
        if (code != 0)
            return code;
        origin->kind = PSV_CONFIG_ORIGIN_DEV;
    }
    return 0;
}
