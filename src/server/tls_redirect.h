/* Plain requests are told to come back over TLS.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct psv_exchange;

/** port 0: never.  A certificate authority's challenge (RFC 8555 8.3) is answered over plain HTTP as it is
 * asked. */
bool psv_tls_redirect_applies(const struct psv_exchange *exchange, uint16_t port);
/** 308 to the same host, path and query over https; 400 for a request that names no host. */
void psv_tls_redirect_answer(struct psv_exchange *exchange, uint16_t port);
