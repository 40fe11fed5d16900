/* See worker_scripts.h.
 *
 * SPDX-License-Identifier: MIT */
#include "worker_scripts.h"

#include <inttypes.h>
#include <string.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "config/config.h"
#include "exec/worker.h"
#include "handler/internal.h"
#include "handler/json_text.h"
#include "handler/status_page.h"
#include "observe/decimal.h"

int psv_worker_scripts_read(const struct psv_internal_options *options,
                            struct psv_worker_scripts *ret_scripts)
{
    size_t len = options->config->workers_len;

    *ret_scripts = (struct psv_worker_scripts){.len = 0};
    if (options->read_scripts == NULL || len == 0) {
        return PSV_OK;
    }
    ret_scripts->items = psv_calloc(len, sizeof(*ret_scripts->items));
    if (ret_scripts->items == NULL) {
        return PSV_ENOMEM;
    }
    ret_scripts->len = options->read_scripts(options->context, ret_scripts->items, len);
    return PSV_OK;
}

void psv_worker_scripts_free(struct psv_worker_scripts *scripts)
{
    scripts->items = psv_free(scripts->items);
    scripts->len = 0;
}

static int put_name(struct psv_buffer *out, const char *before, const char *text)
{
    int code = psv_buffer_append_bytes(out, psv_bytes_of(before));

    return code == 0 ? psv_json_text_put(out, psv_bytes_of(text)) : code;
}

static int put_health(struct psv_buffer *out, const struct psv_worker_scripts *scripts)
{
    int code = psv_buffer_printf(out, ",\"scripts\":[");

    for (size_t i = 0; i < scripts->len && code == 0; i++) {
        const struct psv_worker_script_facts *facts = &scripts->items[i];
        code = put_name(out, i > 0 ? ",{\"name\":" : "{\"name\":", facts->name);
        if (code == 0) {
            code = psv_buffer_printf(
                out, ",\"threads\":%u,\"ready\":%u,\"busy\":%u,\"queue\":%zu,\"failing\":%s}", facts->threads,
                facts->ready, facts->busy, facts->queue_len, facts->is_failing ? "true" : "false");
        }
    }
    return code == 0 ? psv_buffer_append_byte(out, ']') : code;
}

int psv_worker_scripts_put_health(struct psv_buffer *out, const struct psv_internal_options *options)
{
    struct psv_worker_scripts scripts;
    int code = psv_worker_scripts_read(options, &scripts);

    if (code == 0 && scripts.len > 0) {
        code = put_health(out, &scripts);
    }
    psv_worker_scripts_free(&scripts);
    return code;
}

static int put_script(struct psv_buffer *out, const struct psv_worker_script_facts *facts)
{
    char boot[PSV_DECIMAL_BYTES];
    int code = put_name(out, "\n  {\"name\": ", facts->name);

    (void)psv_decimal_format(boot, (double)facts->boot_ns / 1e9, 6);
    if (code == 0) {
        code = put_name(out, ", \"script\": ", facts->path);
    }
    return code == 0 ? psv_buffer_printf(
                           out,
                           ", \"threads\": %u, \"ready\": %u, \"busy\": %u, \"failing\": %s, \"queue\": %zu, "
                           "\"queue_capacity\": %zu, \"requests\": %" PRIu64 ", \"restarts\": %" PRIu64
                           ", \"crashes\": %" PRIu64 ", \"boot_failures\": %" PRIu64
                           ", \"memory_bytes\": %" PRIu64 ", \"last_boot_seconds\": %s, \"workers\": [",
                           facts->threads, facts->ready, facts->busy, facts->is_failing ? "true" : "false",
                           facts->queue_len, facts->queue_capacity, facts->requests, facts->restarts,
                           facts->crashes, facts->boot_failures, facts->memory_bytes, boot)
                     : code;
}

int psv_worker_scripts_put_json(struct psv_buffer *out, const struct psv_status *status,
                                psv_worker_scripts_put_fn *put_workers)
{
    int code = psv_buffer_printf(out, ",\n\"scripts\": [");

    for (unsigned i = 0; i < status->scripts_len && code == 0; i++) {
        code = i > 0 ? psv_buffer_append_byte(out, ',') : 0;
        if (code == 0) {
            code = put_script(out, &status->scripts[i]);
        }
        if (code == 0) {
            code = put_workers(out, status, i + 1);
        }
        if (code == 0) {
            code = psv_buffer_printf(out, "]}");
        }
    }
    return code == 0 ? psv_buffer_printf(out, "%s]", status->scripts_len > 0 ? "\n" : "") : code;
}
