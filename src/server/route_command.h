/* "phpsrv route URL": how a request would be answered, and why.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct psv_buffer;
struct psv_config_loaded;

/** url: a path with or without a query, or a whole URL whose host chooses the site.  Opens the
 * document root, routes, and describes the outcome.  PSV_EINVAL, PSV_ENOENT, PSV_ENOMEM with a sentence. */
MUST_CHECK int psv_route_command(const struct psv_config_loaded *loaded, const char *url,
                                 struct psv_buffer *out, struct psv_error *reterr);
