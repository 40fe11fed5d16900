/* A layer turns a socket into a byte stream for the connection: plain TCP or TLS, with the PROXY protocol in
 * front of either.  Never blocks.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/macros.h"

struct psv_connection;

/** All return bytes moved (above 0), 0 at the end of the stream (reads and files only), PSV_EAGAIN, or
 * PSV_EGONE. */
struct psv_layer {
    const char *name;
    /** Makes connection->layer_state; 0 or PSV_ENOMEM.  A layer that has it begins with a handshake, which
     * reads drive: no data comes before it is done.  NULL: there is nothing to make. */
    MUST_CHECK int (*open)(struct psv_connection *connection);
    MUST_CHECK ssize_t (*read)(struct psv_connection *connection, void *out, size_t len);
    /** has_more: another write follows at once, the bytes may wait for it. */
    MUST_CHECK ssize_t (*write)(struct psv_connection *connection, const struct iovec *parts, int parts_len,
                                bool has_more);
    /** Sends len bytes of a regular file or memfd from offset; 0 = the file is shorter than that. */
    MUST_CHECK ssize_t (*send_file)(struct psv_connection *connection, int fd, uint64_t offset, uint64_t len);
    /** Announces the end of our bytes; the peer may still send. */
    void (*shutdown_write)(struct psv_connection *connection);
    void (*fini)(struct psv_connection *connection);
};

extern const struct psv_layer psv_layer_plain;
/** In front of service->inner_layer. */
extern const struct psv_layer psv_layer_proxy;
/** For services with certificates (service->tls). */
extern const struct psv_layer psv_layer_tls;

/** What all parts have together.  [any] */
static inline size_t psv_layer_parts_bytes(const struct iovec *parts, int parts_len)
{
    size_t total = 0;

    for (int i = 0; i < parts_len; i++) {
        total += parts[i].iov_len;
    }
    return total;
}
