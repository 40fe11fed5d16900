/* "phpsrv health [URL]": asks a running server how it is, for the health checks of container engines.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct psv_buffer;
struct psv_config;

/** target: NULL for /health of the internal listener that the configuration names; a path for another page of
 * it; or http://ADDRESS:PORT/PATH (numeric: no name is looked up).  Blocks for at most five seconds.  0 when
 * the answer's status is 2xx; its body is appended to out then.  PSV_EINVAL, PSV_EUNSUPPORTED, PSV_ETIMEOUT,
 * PSV_EGONE, PSV_EIO ... with a sentence. */
MUST_CHECK int psv_health_command(const struct psv_config *config, const char *target, struct psv_buffer *out,
                                  struct psv_error *reterr);
