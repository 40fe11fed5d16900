/* Counting exchanges; see exchange_metrics.h.
 *
 * SPDX-License-Identifier: MIT */
#include "exchange_metrics.h"

#include "base/memory.h"
#include "exec/exchange.h"
#include "filter/trace_context.h"
#include "observe/metrics.h"
#include "os/clock.h"
#include "server/sites.h"

static size_t site_of(const struct psv_exchange *exchange)
{
    return exchange->site != NULL ? exchange->site->metrics_site : 0;
}

/* Prefixes have their site's name unless they are given one. */
int psv_exchange_metrics_name_sites(struct psv_sites *sites, struct psv_error *reterr)
{
    struct psv_bytes *names = psv_calloc(sites->len, sizeof(*names));
    size_t len = 0;

    if (names == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for the names of %zu sites", sites->len);
    }
    for (size_t i = 0; i < sites->len; i++) {
        struct psv_bytes name = psv_bytes_of(sites->items[i].answers.name);
        size_t number = 0;
        while (number < len && !psv_bytes_equal(names[number], name)) {
            number++;
        }
        if (number == PSV_METRICS_SITES_MAX) {
            number = 0; /* beyond the bound they are counted with the first one */
        } else if (number == len) {
            names[len++] = name;
        }
        sites->items[i].answers.metrics_site = number;
    }
    int code = psv_metrics_set_sites(names, len);
    psv_free(names);
    return code == PSV_OK ? PSV_OK
                          : psv_error_set(reterr, code, "no memory for the metrics of %zu sites", len);
}

void psv_exchange_metrics_begin(struct psv_exchange *exchange)
{
    exchange->is_in_flight = true;
    psv_metric_request_begin_site(site_of(exchange));
}

static void count_request(const struct psv_exchange *exchange, uint64_t now_ns)
{
    const struct psv_trace *trace = exchange->trace;
    bool is_sampled = trace != NULL && (trace->span.flags & PSV_TRACE_SAMPLED) != 0;
    const struct psv_metric_request request = {
        .has_begun = exchange->is_in_flight,
        .has_method = exchange->request.method_text.len > 0,
        .method = (unsigned)exchange->request.method,
        .status = exchange->is_answered ? exchange->response.status : 0,
        .duration_ns = now_ns - exchange->received_ns,
        .received_bytes = exchange->bytes_received,
        .sent_bytes = exchange->head_bytes_sent + exchange->bytes_sent,
        .trace_id = is_sampled ? psv_bytes_of(trace->span.trace_id) : PSV_BYTES_EMPTY,
        .unix_us = is_sampled ? psv_clock_unix_us() : 0,
    };

    psv_metric_request_end_site(site_of(exchange), &request);
}

void psv_exchange_metrics_count(const struct psv_exchange *exchange, uint64_t now_ns, bool aborted)
{
    psv_metric_add(PSV_METRIC_BYTES_RECEIVED, (int64_t)exchange->bytes_received);
    psv_metric_add(PSV_METRIC_BYTES_SENT, (int64_t)(exchange->head_bytes_sent + exchange->bytes_sent));
    if (exchange->is_answered && exchange->refusal != NULL) {
        psv_metric_inc(psv_metric_by_refusal(exchange->response.status));
    }
    if (exchange->is_answered && aborted) {
        psv_metric_inc(PSV_METRIC_CLIENT_ABORTS_SENDING);
    }
    count_request(exchange, now_ns);
}
