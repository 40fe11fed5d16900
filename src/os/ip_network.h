/* IP addresses and networks from text: who is a trusted proxy.  Numeric only, no name is looked up.  [any]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/macros.h"
#include "os/socket.h"

struct psv_error;

/** IPv6, or IPv4 as an IPv4-mapped one (RFC 4291 2.5.5.2): both kinds compare alike. */
struct psv_ip {
    uint8_t bytes[16];
};

struct psv_ip_networks {
    struct psv_ip_network *items;
    size_t len;
    bool holds_unix; /* the word "unix": whoever comes over a unix socket */
};

/** "192.0.2.1", "2001:db8::1", without brackets, port and zone.  0 or PSV_ESYNTAX. */
MUST_CHECK int psv_ip_parse(struct psv_bytes text, struct psv_ip *ret_ip);
/** It is an IPv4-mapped one. */
bool psv_ip_is_v4(const struct psv_ip *ip);
/** What stands for a client in limits of each one: its address, of IPv6 the first 64 bits, because that many
 * addresses everybody has at the least (RFC 6177, RFC 7934).  Borrows ip. */
struct psv_bytes psv_ip_client(const struct psv_ip *ip);
/** With NUL; an IPv4-mapped one as IPv4.  Returns the length. */
size_t psv_ip_format(const struct psv_ip *ip, char out[PSV_SOCKET_HOST_MAX]);

/** "10.0.0.0/8", "2001:db8::/32", single addresses, and the words "unix", "loopback" and "private" (RFC 1918,
 * RFC 4193, loopback, link-local).  0; PSV_EINVAL with a sentence; PSV_ENOMEM.  [boot] */
MUST_CHECK int psv_ip_networks_init(struct psv_ip_networks *networks, const char *const *texts,
                                    size_t texts_len, struct psv_error *reterr);
/** Accepts a zeroed struct. */
void psv_ip_networks_fini(struct psv_ip_networks *networks);
bool psv_ip_networks_hold(const struct psv_ip_networks *networks, const struct psv_ip *ip);
