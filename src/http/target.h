/* Request targets (RFC 9112 3.2): which resource a request line asks for, and the path that file lookup and
 * scripts see.  Pure; any thread; knows nothing of document roots.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "http/method.h"
#include "http/request.h"

/** Default ports of the schemes (RFC 9110 sections 4.2.1 and 4.2.2). */
#define PSV_HTTP_PORT 80
#define PSV_HTTPS_PORT 443

/** Fills request->target, raw_path, path and query from the target as received; in absolute-form also
 *  authority, host and port (it wins over Host: psv_host_resolve knows).  Texts point into raw, which must
 *  live as long as the arena; only what has to change is copied.
 *
 *  path: decoded once; duplicate slashes merged, then dot segments removed (also when written %2e); "%2F"
 *  stays encoded because an encoded slash never separates directories; every other byte but NUL may occur,
 *  backslash and bytes above 127 are data.  "*" (OPTIONS only) leaves "/" as path: ask
 *  psv_target_is_asterisk.
 *
 *  0; PSV_ESYNTAX (400): control byte, blank, '#', malformed escape, %00, a path that climbs above the
 *  root, an unknown form or scheme; PSV_EUNSUPPORTED (501): CONNECT; PSV_ENOMEM.  The request is unchanged
 *  on failure. */
MUST_CHECK int psv_target_parse(struct psv_arena *arena, enum psv_method method, struct psv_bytes raw,
                                struct psv_request *request);

/** "OPTIONS *": asks about the server, not about a resource (RFC 9110 9.3.7). */
bool psv_target_is_asterisk(const struct psv_request *request);
