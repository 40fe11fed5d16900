/* Counting exchanges; see exchange_metrics.h.
 *
 * SPDX-License-Identifier: MIT */
#include "exchange_metrics.h"

#include "exec/exchange.h"
#include "observe/metrics.h"

void psv_exchange_metrics_count(const struct psv_exchange *exchange, uint64_t now_ns, bool aborted)
{
    unsigned status = exchange->response.status;

    psv_metric_add(PSV_METRIC_BYTES_RECEIVED, (int64_t)exchange->bytes_received);
    psv_metric_add(PSV_METRIC_BYTES_SENT, (int64_t)(exchange->head_bytes_sent + exchange->bytes_sent));
    if (exchange->request.method_text.len > 0) {
        psv_metric_inc(psv_metric_by_method(exchange->request.method));
    }
    if (exchange->is_answered) {
        psv_metric_inc(psv_metric_by_status(status));
        if (exchange->refusal != NULL) {
            psv_metric_inc(psv_metric_by_refusal(status));
        }
        if (aborted) {
            psv_metric_inc(PSV_METRIC_CLIENT_ABORTS_SENDING);
        }
    }
    psv_metric_observe_ns(PSV_HISTOGRAM_REQUEST_DURATION, now_ns - exchange->received_ns);
}
