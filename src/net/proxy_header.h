/* The header of the PROXY protocol, versions 1 and 2 (haproxy.org, "The PROXY protocol").  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/macros.h"

/* Version 1: a line of at most 107 bytes.  Version 2: 16 bytes, then what they announce; TLVs of load
 * balancers (certificates among them) stay far below. */
#define PSV_PROXY_HEADER_MAX 4096

struct psv_proxy_header {
    bool is_local;           /* the proxy speaks for itself (a health check), or does not know for whom */
    char remote_address[46]; /* with NUL; "" for kinds other than TCP over IPv4 and IPv6 */
    char local_address[46];
    uint16_t remote_port;
    uint16_t local_port;
};

/** How many bytes have to be there before it is worth looking again, given those that are: more than data.len
 * as long as the header is not complete, its length when it is (*ret is filled then).  0: this is no header.
 * Never tells to wait for bytes beyond the header. */
MUST_CHECK size_t psv_proxy_header_read(struct psv_bytes data, struct psv_proxy_header *ret);
