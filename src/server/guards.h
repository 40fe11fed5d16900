/* Who may come, and how often: allow and deny lists, rate limits.  [loop]; made and freed at [boot].
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "config/config.h"
#include "filter/rate_limit.h"
#include "net/client_limit.h"
#include "os/ip_network.h"

struct psv_exchange;

struct psv_guards {
    bool is_used; /* else nothing below is looked at */
    bool has_allowed;
    bool has_rate;
    struct psv_ip_networks allowed;
    struct psv_ip_networks denied;
    struct psv_ip_networks exempt; /* of the rate */
    struct psv_rate rate;
    struct psv_rate_limit limit;
    uint64_t evictions_told;    /* to the metric */
    struct psv_bytes key_field; /* a request field in place of the address; empty = address */
};

/** PSV_EINVAL with what is wrong, PSV_ENOMEM.  [boot] */
MUST_CHECK int psv_guards_init(struct psv_guards *guards, const struct psv_config_guard *config,
                               struct psv_error *reterr);
/** Accepts a zeroed struct. */
void psv_guards_fini(struct psv_guards *guards);
/** The limit of connections of one client, of the whole process; max 0 = none.  trusted is borrowed.  [boot]
 */
MUST_CHECK int psv_guards_init_clients(struct psv_client_limit *limit, const struct psv_config_guard *config,
                                       const struct psv_ip_networks *trusted, struct psv_error *reterr);

/** True when the request was answered: 403, or 429 with Retry-After and RateLimit fields.  The client's
 * address is resolved already. */
bool psv_guards_refuse(struct psv_guards *guards, struct psv_exchange *exchange, uint64_t now_ns);
