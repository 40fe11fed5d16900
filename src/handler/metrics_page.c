/* See metrics_page.h.  Must not know codecs or threads.
 *
 * SPDX-License-Identifier: MIT */
#include "metrics_page.h"

#include "base/buffer.h"
#include "exec/body_filter.h"
#include "exec/response_body.h"
#include "handler/worker_metrics.h"
#include "http/accept.h"
#include "observe/metrics.h"
#include "observe/user_metrics.h"
#include "phpsrv/executor.h"

#define COMPRESS_MIN_BYTES 1024
/* About two milliseconds of the loop's time. */
#define COMPRESS_MAX_BYTES (512 * 1024)

enum psv_prometheus_format psv_metrics_page_choose(const struct psv_headers *headers)
{
    static const struct psv_bytes open_type = PSV_BYTES_INIT("application/openmetrics-text");
    static const struct psv_bytes text_type = PSV_BYTES_INIT("text/plain");
    unsigned open;
    unsigned text;

    if (psv_headers_find(headers, PSV_FIELD_ACCEPT) == NULL) {
        return PSV_PROMETHEUS_TEXT;
    }
    open = psv_accept_version_quality(headers, open_type, PSV_BYTES("1.0.0"));
    text = MAX(psv_accept_version_quality(headers, text_type, PSV_BYTES("0.0.4")),
               psv_accept_quality(headers, text_type));
    return open > 0 && open >= text ? PSV_PROMETHEUS_OPENMETRICS : PSV_PROMETHEUS_TEXT;
}

struct psv_bytes psv_metrics_page_type(enum psv_prometheus_format format)
{
    return format == PSV_PROMETHEUS_OPENMETRICS
               ? PSV_BYTES("application/openmetrics-text; version=1.0.0; charset=utf-8")
               : PSV_BYTES("text/plain; version=0.0.4; charset=utf-8");
}

int psv_metrics_page_format(const struct psv_executor *executor, enum psv_prometheus_format format,
                            const struct psv_worker_metrics *workers, struct psv_buffer *out)
{
    struct psv_prometheus writer;

    psv_prometheus_init(&writer, out, format);
    psv_metrics_format(&writer);
    if (workers != NULL) {
        psv_worker_metrics_format(&writer, workers);
    }
    if (executor != NULL && executor->metrics != NULL) {
        executor->metrics(&writer);
    }
    psv_user_metrics_format(&writer);
    return psv_prometheus_end(&writer);
}

static int encode(const struct psv_body_filter *filter, struct psv_bytes text, struct psv_response_body *body)
{
    struct psv_body_encoder *encoder = filter->begin(filter, text.len);

    if (encoder == NULL) {
        return PSV_ENOMEM;
    }
    int code = encoder->encode(encoder, text.data, text.len, body);
    return code == PSV_OK ? encoder->end(encoder, PSV_BODY_FINISH, body) : code;
}

bool psv_metrics_page_compress(const struct psv_body_filter *filter, struct psv_buffer *text)
{
    struct psv_response_body body;
    bool is_done = false;

    if (text->len < COMPRESS_MIN_BYTES || text->len > COMPRESS_MAX_BYTES) {
        return false;
    }
    psv_response_body_init(&body, NULL, 0, COMPRESS_MAX_BYTES * 2);
    if (encode(filter, psv_buffer_bytes(text), &body) == PSV_OK && body.fd < 0 &&
        body.memory_len <= text->len) {
        psv_buffer_clear(text);
        is_done =
            psv_buffer_append(text, body.memory, body.memory_len) == PSV_OK; /* there was room for more */
    }
    psv_response_body_fini(&body);
    return is_done;
}

int psv_metrics_page_reference(const struct psv_executor *const *executors, struct psv_buffer *out)
{
    struct psv_prometheus writer;
    int code = psv_buffer_printf(out, "| name | type | labels | |\n|---|---|---|---|\n");

    if (code != PSV_OK) {
        return code;
    }
    psv_prometheus_init(&writer, out, PSV_PROMETHEUS_REFERENCE);
    psv_metrics_format(&writer);
    psv_worker_metrics_format(&writer, &(const struct psv_worker_metrics){.scripts_len = 0});
    for (size_t i = 0; executors[i] != NULL; i++) {
        if (executors[i]->metrics != NULL) {
            executors[i]->metrics(&writer);
        }
    }
    return psv_prometheus_end(&writer);
}
