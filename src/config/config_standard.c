/* See config_standard.h.  OpenTelemetry, SDK environment variables and OTLP exporter configuration.
 *
 * SPDX-License-Identifier: MIT */
#include "config_standard.h"

#include <string.h>

#include "config.h"
#include "option_value.h"

/* Of the base address, to which each signal adds its own path. */
#define TRACES_PATH "v1/traces"

static const struct {
    const char *path;
    const char *variable;
} standards[] = {
    {"otlp.endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT"},
    {"otlp.service_name", "OTEL_SERVICE_NAME"},
    {"otlp.resource_attributes", "OTEL_RESOURCE_ATTRIBUTES"},
};

/* http://host:4318 or http://host:4318/ -> .../v1/traces. */
static struct psv_bytes add_path(struct psv_config_loaded *loaded, struct psv_bytes base)
{
    const struct psv_bytes path = PSV_BYTES(TRACES_PATH);
    size_t slash = base.data[base.len - 1] == '/' ? 0 : 1;
    char *text = psv_arena_alloc(&loaded->arena, base.len + slash + path.len + 1);
    if (text == NULL)
        return PSV_BYTES_EMPTY;
    memcpy(text, base.data, base.len);
    memcpy(text + base.len, "/", slash);
    memcpy(text + base.len + slash, path.data, path.len + 1);
    return (struct psv_bytes){text, base.len + slash + path.len};
}

int psv_config_apply_standard(struct psv_config_loaded *loaded, char **environ, struct psv_error *reterr)
{
    for (size_t i = 0; i < ARRAY_SIZE(standards); i++) {
        const struct psv_option *option = psv_option_find_path(psv_bytes_of(standards[i].path));
        struct psv_bytes value = psv_bytes_of(psv_config_find_variable(environ, standards[i].variable));
        bool is_endpoint = i == 0;
        if (value.len == 0 || loaded->origins[psv_option_index(option)].kind != PSV_CONFIG_ORIGIN_DEFAULT ||
            (is_endpoint && !loaded->config.trace.enabled))
            continue;
        if (is_endpoint)
            value = add_path(loaded, value);
        if (value.len == 0)
            return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
        struct psv_option_target target = {.config = &loaded->config,
                                           .arena = &loaded->arena,
                                           .where = standards[i].variable,
                                           .reterr = reterr};
        int code = psv_option_set_text(option, &target, value);
        if (code != 0)
            return code;
        loaded->origins[psv_option_index(option)] =
            (struct psv_config_origin){.kind = PSV_CONFIG_ORIGIN_STANDARD};
    }
    return 0;
}

const char *psv_config_standard_name(const struct psv_option *option)
{
    for (size_t i = 0; i < ARRAY_SIZE(standards); i++) {
        if (strcmp(option->path, standards[i].path) == 0)
            return standards[i].variable;
    }
    return "";
}
