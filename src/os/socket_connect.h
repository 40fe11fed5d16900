/* A connection that the program itself opens, to ask something once: with a deadline, and blocking the thread
 * that asks.  Nothing of the server itself does that.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "base/macros.h"
#include "os/socket.h"

struct psv_buffer;
struct psv_error;

/** An address to listen on becomes one to connect to: every address (0.0.0.0, [::], *) becomes the
 * loopback's, others stay.  [any] */
void psv_socket_to_loopback(struct psv_socket_address *address);

/** A connected, non-blocking, close-on-exec socket.  deadline_ns: of psv_clock_monotonic_ns().  PSV_ETIMEOUT,
 * or what the kernel said (PSV_EIO, PSV_ENOENT, PSV_EACCESS ...), with a sentence.  Blocks.  [boot] */
MUST_CHECK int psv_socket_connect(const struct psv_socket_address *address, uint64_t deadline_ns, int *ret_fd,
                                  struct psv_error *reterr);

/** Sends the question and appends all that comes until the peer closes.  PSV_ETIMEOUT, PSV_EGONE (the
 * connection broke), PSV_ELIMIT (the answer does not fit into its buffer), PSV_ENOMEM.  Blocks.  [boot] */
MUST_CHECK int psv_socket_ask(int fd, struct psv_bytes question, uint64_t deadline_ns,
                              struct psv_buffer *answer);
