/* Host and port of a request (RFC 3986 3.2, RFC 9110 7.2).  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/macros.h"
#include "http/request.h"

/** Splits "host", "host:port" or "[ipv6]:port".  ret_host keeps the brackets of an IPv6 address; ret_port
 *  is 0 when none is named ("host:" names none either).  PSV_EEMPTY for an empty text, so that the caller
 *  decides what that means; PSV_ESYNTAX for user information, blanks, commas, paths, bytes outside RFC 3986
 *  (IDNs come in their ASCII form), an empty host before a port, IPvFuture, zone identifiers and ports
 *  beyond 1..65535.
 *
 * */
MUST_CHECK int psv_authority_parse(struct psv_bytes text, struct psv_bytes *ret_host, uint16_t *ret_port);

/** Settles authority, host and port once all fields are there; request->authority is what the target (or
 *  :authority) said, or empty.  A Host field is checked even if the target wins (RFC 9112 3.2.2); under
 *  HTTP/2 the two must agree.  PSV_ESYNTAX (400): no Host in HTTP/1.1, no Host and no :authority in HTTP/2,
 *  more than one Host, or a malformed one.  An empty Host is accepted and leaves everything empty (RFC 9112
 *  3.3). */
MUST_CHECK int psv_host_resolve(struct psv_request *request);

/** Whether no name server of the world can say where this host is: an address, nothing at all, a name of one
 *  label, or one below the names that are set apart (RFC 6761, RFC 6762, RFC 8375, and ICANN's
 *  "internal").  A page of a stranger's cannot be made to come from such a host by DNS rebinding. */
bool psv_host_is_local(struct psv_bytes host);
