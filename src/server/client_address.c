/* The client behind trusted proxies; see client_address.h.
 *
 * SPDX-License-Identifier: MIT */
#include "client_address.h"

#include "exec/exchange.h"
#include "http/authority.h"
#include "http/forwarded.h"
#include "http/target.h"

int psv_client_rules_init(struct psv_client_rules *rules, const struct psv_config_proxy *config,
                          struct psv_error *reterr)
{
    rules->fields = config->fields;
    return psv_ip_networks_init(&rules->trusted, config->trusted.items, config->trusted.len, reterr);
}

void psv_client_rules_fini(struct psv_client_rules *rules)
{
    psv_ip_networks_fini(&rules->trusted);
}

/* Scripts see the host that the client asked for, also as the Host field. */
static void use_host(struct psv_exchange *exchange, struct psv_bytes text)
{
    struct psv_request *request = &exchange->request;
    struct psv_bytes host;
    uint16_t port;

    if (text.len == 0 || psv_authority_parse(text, &host, &port) != PSV_OK) {
        return;
    }
    request->authority = text;
    request->host = host;
    request->port = port;
    for (unsigned i = 0; i < request->headers.len; i++) {
        if (request->headers.items[i].id == PSV_FIELD_HOST) {
            request->headers.items[i].value = text;
        }
    }
}

static void use_scheme(struct psv_exchange *exchange, const struct psv_forwarded_hop *hop)
{
    struct psv_request *request = &exchange->request;

    if (psv_bytes_equal_case(hop->proto, PSV_BYTES("https"))) {
        request->is_https = true;
    } else if (psv_bytes_equal_case(hop->proto, PSV_BYTES("http"))) {
        request->is_https = false;
    } else {
        return;
    }
    exchange->peer.local_port = hop->host_port != 0  ? hop->host_port
                                : request->port != 0 ? request->port
                                : request->is_https  ? PSV_HTTPS_PORT
                                                     : PSV_HTTP_PORT;
}

static bool is_unix(const struct psv_peer *peer)
{
    return !peer->has_remote_ip && psv_bytes_equal(psv_bytes_of(peer->remote_address), PSV_BYTES("unix:"));
}

bool psv_client_is_trusted(const struct psv_client_rules *rules, const struct psv_exchange *exchange)
{
    const struct psv_peer *peer = &exchange->peer;

    return peer->has_remote_ip ? psv_ip_networks_hold(&rules->trusted, &peer->remote_ip)
                               : rules->trusted.holds_unix && is_unix(peer);
}

bool psv_client_resolve(const struct psv_client_rules *rules, struct psv_exchange *exchange)
{
    struct psv_forwarded_hop hops[PSV_FORWARDED_HOPS_MAX];
    const struct psv_headers *headers = &exchange->request.headers;
    unsigned used = 0;

    if (!psv_client_is_trusted(rules, exchange)) {
        return false;
    }
    if (rules->fields == PSV_CONFIG_FORWARDED_NONE) {
        return true;
    }
    unsigned len = rules->fields == PSV_CONFIG_FORWARDED_RFC ? psv_forwarded_read(headers, hops)
                                                             : psv_x_forwarded_read(headers, hops);
    /* speaker is trusted: what it says of its own client (hops[used]) is believed */
    struct psv_ip client = exchange->peer.remote_ip;
    bool is_known = exchange->peer.has_remote_ip;
    uint16_t port = exchange->peer.remote_port;
    while (used < len) {
        struct psv_ip next;
        used++;
        if (psv_ip_parse(hops[used - 1].address, &next) != PSV_OK) {
            break; /* nobody knows who that was: the last known one stands for it */
        }
        client = next;
        is_known = true;
        port = hops[used - 1].port;
        if (!psv_ip_networks_hold(&rules->trusted, &next)) {
            break;
        }
    }
    if (used == 0) {
        return true;
    }
    if (is_known) {
        (void)psv_ip_format(&client, exchange->peer.remote_address);
        exchange->peer.remote_ip = client;
        exchange->peer.has_remote_ip = true;
    }
    exchange->peer.remote_port = port;
    use_host(exchange, hops[used - 1].host);
    use_scheme(exchange, &hops[used - 1]);
    return true;
}
