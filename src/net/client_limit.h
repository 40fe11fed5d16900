/* How many connections each client has, and that it does not get more than its share.  A client is its
 * address, of IPv6 the /64.  [loop]; made and freed at [boot].
 *
 * Memory is bounded by the connections that are open: a client without any is forgotten.  When there is none
 * for another client, that one is not counted.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/map.h"
#include "os/ip_network.h"

struct psv_peer; /* exec/exchange.h */

struct psv_client_limit {
    struct psv_map clients;                /* of struct psv_client, by address */
    struct psv_ip_networks exempt;         /* owned; filled by the caller */
    const struct psv_ip_networks *trusted; /* proxies: many clients each; borrowed */
    unsigned max;                          /* connections of one client */
    uint64_t last_log_ns;                  /* 0 = nothing logged yet */
    uint64_t unlogged;                     /* refusals since then */
};

/** One client with its open connections. */
struct psv_client {
    struct psv_client_limit *limit;
    struct psv_bytes key; /* of address */
    struct psv_ip address;
    unsigned connections_len;
};

void psv_client_limit_init(struct psv_client_limit *limit, unsigned max,
                           const struct psv_ip_networks *trusted);
/** All connections are closed.  Accepts a zeroed struct. */
void psv_client_limit_fini(struct psv_client_limit *limit);

/** Counts another connection of who has this address.  False: it has its share already; the refusal is
 * counted and (once a second at most) logged.  *ret_client (for psv_client_release) is NULL for whom nobody
 * counts: exempt networks, trusted proxies, unix sockets.  limit may be NULL: nobody is counted. */
bool psv_client_limit_take(struct psv_client_limit *limit, const struct psv_peer *peer, uint64_t now_ns,
                           struct psv_client **ret_client);
/** The connection is closed.  Accepts NULL. */
void psv_client_release(struct psv_client *client);
