/* The output queue of a connection, as connection.c uses it; codecs use psv_connection_send of connection.h.
 * [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "net/connection.h"

/** Writes as much of the queue as the socket takes. */
struct psv_send_result psv_connection_flush(struct psv_connection *connection);
/** Registers or unregisters for writability. */
void psv_connection_want_write(struct psv_connection *connection, bool wants_write);
