/* What FrankenPHP's administration (handler/frankenphp_admin.h) reads and changes in this server.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

struct psv_server;

/** Fills server->frankenphp.  [boot] */
void psv_frankenphp_link(struct psv_server *server);
