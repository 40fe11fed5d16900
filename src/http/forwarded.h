/* What proxies say of the client they speak for: Forwarded (RFC 7239), and the X-Forwarded-* fields that came
 * before it. Whom to believe is the caller's affair.  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "http/headers.h"

/** What one proxy said of its own client; texts are borrowed from the fields. */
struct psv_forwarded_hop {
    struct psv_bytes address; /* numeric, without brackets and port; "" = unknown, obfuscated or malformed */
    uint16_t port;            /* 0 = not said */
    struct psv_bytes proto;   /* "http", "https" as written; "" = not said */
    struct psv_bytes host;    /* host with or without port; "" = not said */
    uint16_t host_port;       /* X-Forwarded-Port; 0 = not said */
};

/* More hops than that are not followed. */
#define PSV_FORWARDED_HOPS_MAX 32

/** Fills hops with the nearest proxy's word first; returns how many there are, at most PSV_FORWARDED_HOPS_MAX
 * (of more the nearest).  A malformed member is a hop of which nothing is known. */
unsigned psv_forwarded_read(const struct psv_headers *headers,
                            struct psv_forwarded_hop hops[PSV_FORWARDED_HOPS_MAX]);

/** The same from X-Forwarded-For; X-Forwarded-Proto, -Host and -Port (of each the last value, which the
 * nearest proxy wrote) are told of all hops. */
unsigned psv_x_forwarded_read(const struct psv_headers *headers,
                              struct psv_forwarded_hop hops[PSV_FORWARDED_HOPS_MAX]);
