/* See client_limit.h.
 *
 * SPDX-License-Identifier: MIT */
#include "client_limit.h"

#include "base/memory.h"
#include "exec/exchange.h"
#include "observe/log.h"
#include "observe/metrics.h"

#define LOG_EVERY_NS UINT64_C(1000000000)
/* Connections of all listeners together stay far below. */
#define CLIENTS_MAX ((size_t)1 << 24)

void psv_client_limit_init(struct psv_client_limit *limit, unsigned max,
                           const struct psv_ip_networks *trusted)
{
    limit->max = max;
    limit->trusted = trusted;
    psv_map_init(&limit->clients, CLIENTS_MAX);
}

void psv_client_limit_fini(struct psv_client_limit *limit)
{
    psv_map_fini(&limit->clients);
    psv_ip_networks_fini(&limit->exempt);
}

static void tell_refusal(struct psv_client_limit *limit, const char *address, uint64_t now_ns)
{
    psv_metric_inc(PSV_METRIC_CLIENT_CONNECTIONS_REFUSED);
    limit->unlogged++;
    if (limit->last_log_ns != 0 && now_ns - limit->last_log_ns < LOG_EVERY_NS) {
        return;
    }
    PSV_LOG(PSV_LOG_WARN, "connection.client_limit", PSV_LOG_TEXT("remote", address),
            PSV_LOG_U64("limit", limit->max), PSV_LOG_U64("refused", limit->unlogged));
    limit->last_log_ns = now_ns;
    limit->unlogged = 0;
}

/* NULL without memory. */
static struct psv_client *add_client(struct psv_client_limit *limit, const struct psv_ip *ip)
{
    struct psv_client *client = psv_calloc(1, sizeof(*client));

    if (client == NULL) {
        return NULL;
    }
    client->limit = limit;
    client->address = *ip;
    client->key = psv_ip_client(&client->address);
    if (psv_map_put(&limit->clients, client->key, client, NULL) != PSV_OK) {
        return psv_free(client);
    }
    return client;
}

bool psv_client_limit_take(struct psv_client_limit *limit, const struct psv_peer *peer, uint64_t now_ns,
                           struct psv_client **ret_client)
{
    const struct psv_ip *ip = &peer->remote_ip;

    *ret_client = NULL;
    if (limit == NULL || !peer->has_remote_ip || psv_ip_networks_hold(&limit->exempt, ip) ||
        psv_ip_networks_hold(limit->trusted, ip)) {
        return true;
    }
    struct psv_client *client = psv_map_find(&limit->clients, psv_ip_client(ip));
    if (client != NULL && client->connections_len >= limit->max) {
        tell_refusal(limit, peer->remote_address, now_ns);
        return false;
    }
    client = client != NULL ? client : add_client(limit, ip);
    if (client != NULL) {
        client->connections_len++;
    }
    *ret_client = client;
    return true;
}

void psv_client_release(struct psv_client *client)
{
    if (client == NULL || --client->connections_len > 0) {
        return;
    }
    (void)psv_map_remove(&client->limit->clients, client->key);
    psv_free(client);
}
