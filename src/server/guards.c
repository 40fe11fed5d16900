/* See guards.h.
 *
 * SPDX-License-Identifier: MIT */
#include "guards.h"

#include <stdio.h>
#include <string.h>

#include "exec/exchange.h"
#include "observe/metrics.h"

#define NS_PER_S UINT64_C(1000000000)
#define FIELD_TEXT_MAX 64

static int read_rate(struct psv_guards *guards, const struct psv_config_guard *config,
                     struct psv_error *reterr)
{
    if (*config->rate == '\0') {
        return PSV_OK;
    }
    if (psv_rate_parse(psv_bytes_of(config->rate), &guards->rate) != PSV_OK) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "guard.rate \"%s\" is not like 100/s, 600/m, 10000/h or 5/10s", config->rate);
    }
    guards->rate.burst = config->rate_burst != 0 ? config->rate_burst : guards->rate.count;
    guards->key_field =
        strcmp(config->rate_key, "address") == 0 ? PSV_BYTES_EMPTY : psv_bytes_of(config->rate_key);
    guards->has_rate = true;
    return psv_rate_limit_init(&guards->limit, &guards->rate, (size_t)config->rate_memory_bytes) == PSV_OK
               ? PSV_OK
               : psv_error_set(reterr, PSV_ENOMEM, "no memory for the table of guard.rate");
}

int psv_guards_init(struct psv_guards *guards, const struct psv_config_guard *config,
                    struct psv_error *reterr)
{
    *guards = (struct psv_guards){.has_allowed = config->allow.len > 0};
    int code = psv_ip_networks_init(&guards->allowed, config->allow.items, config->allow.len, reterr);

    if (code == PSV_OK) {
        code = psv_ip_networks_init(&guards->denied, config->deny.items, config->deny.len, reterr);
    }
    if (code == PSV_OK) {
        code =
            psv_ip_networks_init(&guards->exempt, config->rate_exempt.items, config->rate_exempt.len, reterr);
    }
    if (code == PSV_OK) {
        code = read_rate(guards, config, reterr);
    }
    if (code != PSV_OK) {
        psv_guards_fini(guards);
        return code;
    }
    guards->is_used = guards->has_allowed || config->deny.len > 0 || guards->has_rate;
    return PSV_OK;
}

void psv_guards_fini(struct psv_guards *guards)
{
    psv_ip_networks_fini(&guards->allowed);
    psv_ip_networks_fini(&guards->denied);
    psv_ip_networks_fini(&guards->exempt);
    psv_rate_limit_fini(&guards->limit);
    *guards = (struct psv_guards){.is_used = false};
}

int psv_guards_init_clients(struct psv_client_limit *limit, const struct psv_config_guard *config,
                            const struct psv_ip_networks *trusted, struct psv_error *reterr)
{
    struct psv_error error;

    psv_client_limit_init(limit, (unsigned)config->connections_per_client, trusted);
    int code = psv_ip_networks_init(&limit->exempt, config->connections_exempt.items,
                                    config->connections_exempt.len, &error);
    return code == PSV_OK ? PSV_OK
                          : psv_error_set(reterr, code, "guard.connections_exempt: %s", error.message);
}

/* What the rate is counted by; empty: it is not counted. */
static struct psv_bytes key_of(const struct psv_guards *guards, const struct psv_exchange *exchange,
                               bool has_address, const struct psv_ip *ip)
{
    if (guards->key_field.len > 0) {
        const struct psv_field *field = psv_headers_find_name(&exchange->request.headers, guards->key_field);
        if (field != NULL) {
            return field->value;
        }
    }
    if (!has_address) {
        return PSV_BYTES_EMPTY;
    }
    return psv_ip_client(ip);
}

/* RFC 6585 4, RFC 9110 10.2.3, and the fields of draft-ietf-httpapi-ratelimit-headers-10. */
static void refuse_rate(const struct psv_guards *guards, struct psv_exchange *exchange, uint64_t wait_ns)
{
    struct psv_arena *arena = psv_exchange_arena(exchange);
    unsigned long long wait_s = (wait_ns + NS_PER_S - 1) / NS_PER_S;
    struct psv_field fields[] = {
        {.name = psv_field_name(PSV_FIELD_RETRY_AFTER), .id = PSV_FIELD_RETRY_AFTER},
        {.name = PSV_BYTES("RateLimit-Policy")},
        {.name = PSV_BYTES("RateLimit")},
    };
    char texts[ARRAY_SIZE(fields)][FIELD_TEXT_MAX];

    (void)snprintf(texts[0], FIELD_TEXT_MAX, "%llu", wait_s);
    (void)snprintf(texts[1], FIELD_TEXT_MAX, "\"default\";q=%llu;w=%llu",
                   (unsigned long long)guards->rate.count,
                   (unsigned long long)(guards->rate.period_ns / NS_PER_S));
    (void)snprintf(texts[2], FIELD_TEXT_MAX, "\"default\";r=0;t=%llu", wait_s);
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        fields[i].value = psv_arena_copy(arena, psv_bytes_of(texts[i]));
        if (fields[i].value.data == NULL) {
            psv_exchange_refuse(exchange, 429, "too many requests of this client", NULL, 0);
            return;
        }
    }
    psv_exchange_refuse(exchange, 429, "too many requests of this client", fields, ARRAY_SIZE(fields));
}

static bool is_permitted(const struct psv_guards *guards, bool has_address, const struct psv_ip *ip)
{
    if (!has_address) { /* over a unix socket */
        return !guards->denied.holds_unix && (!guards->has_allowed || guards->allowed.holds_unix);
    }
    return !psv_ip_networks_hold(&guards->denied, ip) &&
           (!guards->has_allowed || psv_ip_networks_hold(&guards->allowed, ip));
}

bool psv_guards_refuse(struct psv_guards *guards, struct psv_exchange *exchange, uint64_t now_ns)
{
    bool has_address = exchange->peer.has_remote_ip;
    const struct psv_ip *ip = &exchange->peer.remote_ip;

    if (!guards->is_used) {
        return false;
    }
    if (!is_permitted(guards, has_address, ip)) {
        psv_exchange_refuse(exchange, 403, "address not allowed", NULL, 0);
        return true;
    }
    if (!guards->has_rate || (has_address && psv_ip_networks_hold(&guards->exempt, ip))) {
        return false;
    }
    struct psv_bytes key = key_of(guards, exchange, has_address, ip);
    uint64_t wait_ns = key.len > 0 ? psv_rate_limit_take(&guards->limit, key, now_ns) : 0;
    if (UNLIKELY(guards->limit.evictions != guards->evictions_told)) {
        psv_metric_add(PSV_METRIC_RATE_EVICTIONS, guards->limit.evictions - guards->evictions_told);
        guards->evictions_told = guards->limit.evictions;
    }
    if (wait_ns > 0) {
        refuse_rate(guards, exchange, wait_ns);
        return true;
    }
    return false;
}
