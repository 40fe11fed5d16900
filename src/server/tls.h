/* The TLS listener's certificates; see tls.c.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "config/config.h"

struct psv_server;

/** Can the certificates be loaded?  The sentence says what is wrong.  [boot] */
MUST_CHECK int psv_server_tls_check(const struct psv_config *config, struct psv_error *reterr);
/** Loads the certificates if there are any, and has them looked at every few seconds.  [boot] */
MUST_CHECK int psv_server_tls_init(struct psv_server *server, struct psv_error *reterr);
/** Looks at the files now (SIGHUP).  [loop] */
void psv_server_tls_reload(struct psv_server *server);
void psv_server_tls_fini(struct psv_server *server);
