/* What the internal listener tells about the server: facts for /health, gauges for /metrics.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/error.h"

struct psv_server;

/** Makes server->internal and hands it to the internal host.  [boot] */
MUST_CHECK int psv_health_init(struct psv_server *server, struct psv_error *reterr);
void psv_health_fini(struct psv_server *server);
