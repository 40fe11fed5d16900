/* What is refused before anything is looked up: methods, versions, hosts and codings that no handler may see.
 * [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "http/request.h"

struct psv_dynamic;
struct psv_exchange;
struct psv_tls;

struct psv_early_rules {
    enum psv_http_version min_version; /* older ones get 426 */
    uint64_t body_bytes_max;           /* larger bodies get 413 */
    const struct psv_tls *tls; /* for requests that came to the wrong certificate (421); NULL = none */
};

/** True when the request was answered. */
bool psv_refuse_early(const struct psv_early_rules *rules, struct psv_exchange *exchange);

/** The same for a request that a worker would get: body too large (413), unknown coding (415). */
bool psv_refuse_body(const struct psv_dynamic *dynamic, struct psv_exchange *exchange);

/** The methods that are passed on to scripts, as the value of an Allow field: static. */
struct psv_bytes psv_allowed_methods(void);
