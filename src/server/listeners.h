/* The sites' listening sockets: from the configuration or from a service manager.  [boot], [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct psv_server;
struct psv_server_site;

/** Opens all listeners; the last step of the boot. */
MUST_CHECK int psv_listeners_boot(struct psv_server *server, struct psv_error *reterr);
/** Closes a site's listeners; its connections stay. */
void psv_listeners_close(struct psv_server_site *site);
