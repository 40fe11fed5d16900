/* Host of the internal listener; see internal_host.h.  Its requests are not counted among the site's.
 *
 * SPDX-License-Identifier: MIT */
#include "internal_host.h"

#include "handler/internal.h"
#include "server/worker_admin.h"

static struct psv_internal_host *host_of(const struct psv_exchange *exchange)
{
    return exchange->host->context;
}

static enum psv_body_plan on_head(struct psv_exchange *exchange)
{
    struct psv_internal_host *host = host_of(exchange);

    if (host->admin == NULL || !psv_worker_admin_answer(host->admin, exchange)) {
        psv_internal_answer(host->internal, exchange);
    }
    return PSV_BODY_IGNORE;
}

static void on_request(struct psv_exchange *exchange)
{
    (void)exchange; /* every request was answered at its head */
}

static void on_sent(struct psv_exchange *exchange, uint64_t bytes)
{
    (void)exchange;
    (void)bytes;
}

static void on_end(struct psv_exchange *exchange, bool aborted)
{
    (void)aborted;
    psv_worker_admin_forget(exchange);
    exchange->is_ended = true;
    psv_exchange_free(host_of(exchange)->pool, exchange);
}

void psv_internal_host_init(struct psv_internal_host *internal_host)
{
    internal_host->host = (struct psv_exchange_host){
        .on_head = on_head,
        .on_request = on_request,
        .on_sent = on_sent,
        .on_end = on_end,
        .context = internal_host,
    };
}
