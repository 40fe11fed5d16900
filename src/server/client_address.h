/* Who the client is, when proxies that are trusted speak for it.  [loop]; rules are made at boot.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "config/config.h"
#include "os/ip_network.h"

struct psv_exchange;

struct psv_client_rules {
    struct psv_ip_networks trusted;
    enum psv_config_forwarded fields; /* the ones that are believed; the others never */
};

/** 0; PSV_EINVAL with a sentence; PSV_ENOMEM.  [boot] */
MUST_CHECK int psv_client_rules_init(struct psv_client_rules *rules, const struct psv_config_proxy *config,
                                     struct psv_error *reterr);
void psv_client_rules_fini(struct psv_client_rules *rules);

/** Goes back along the fields from our peer as long as who speaks is trusted: the first that is not is the
 * client.  True when our peer itself is trusted.  Sets the exchange's remote address and port, and, as the
 * last trusted one said, whether it is https, its host and port. */
bool psv_client_resolve(const struct psv_client_rules *rules, struct psv_exchange *exchange);

/** Whether the client itself, once it is resolved, has an address among the trusted ones. */
bool psv_client_is_trusted(const struct psv_client_rules *rules, const struct psv_exchange *exchange);
