/* A listening socket: accepts in batches, refuses to spin when descriptors run out.  At the connection limit
 * the connection that has been idle longest makes room; when none is idle, the new client is told to come
 * back.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "net/connection.h"

struct psv_listener;

struct psv_listener_options {
    struct psv_service *service;
    int fd;                   /* listening, non-blocking; taken */
    unsigned connections_max; /* of this service */
};

MUST_CHECK int psv_listener_new(const struct psv_listener_options *options,
                                struct psv_listener **ret_listener, struct psv_error *reterr);
/** Accepts what waits already, so that closing the socket resets nobody. */
void psv_listener_accept_rest(struct psv_listener *listener);
/** Stops accepting and closes the socket; live connections stay.  Accepts NULL, returns NULL. */
struct psv_listener *psv_listener_free(struct psv_listener *listener);
