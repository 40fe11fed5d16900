/* Plain TCP: the socket itself.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#include "layer.h"

#include <errno.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "base/error.h"
#include "net/connection.h"

#define JOINED_BYTES_MAX 4096

static ssize_t result_of(ssize_t moved)
{
    if (moved >= 0) {
        return moved;
    }
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? PSV_EAGAIN : PSV_EGONE;
}

static ssize_t plain_read(struct psv_connection *connection, void *out, size_t len)
{
    return result_of(recv(connection->fd, out, len, 0));
}

/* The kernel takes a message of one part more cheaply than one of several: by far more than a copy of so few
 * bytes costs. */
static ssize_t send_joined(int fd, const struct iovec *parts, int parts_len, int flags)
{
    char joined[JOINED_BYTES_MAX];
    char *end = joined;

    for (int i = 0; i < parts_len; i++) {
        end = mempcpy(end, parts[i].iov_base, parts[i].iov_len);
    }
    return send(fd, joined, (size_t)(end - joined), flags);
}

static ssize_t plain_write(struct psv_connection *connection, const struct iovec *parts, int parts_len,
                           bool has_more)
{
    int flags = MSG_NOSIGNAL | (has_more ? MSG_MORE : 0);

    if (parts_len == 1) {
        return result_of(send(connection->fd, parts[0].iov_base, parts[0].iov_len, flags));
    }
    if (psv_layer_parts_bytes(parts, parts_len) <= JOINED_BYTES_MAX) {
        return result_of(send_joined(connection->fd, parts, parts_len, flags));
    }
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)parts_len};
    return result_of(sendmsg(connection->fd, &message, flags));
}

static ssize_t plain_send_file(struct psv_connection *connection, int fd, uint64_t offset, uint64_t len)
{
    off_t position = (off_t)offset;

    return result_of(sendfile(connection->fd, fd, &position, (size_t)MIN(len, (uint64_t)0x7ffff000)));
}

static void plain_shutdown_write(struct psv_connection *connection)
{
    (void)shutdown(connection->fd, SHUT_WR); /* fails only when the peer is gone already */
}

static void plain_fini(struct psv_connection *connection)
{
    (void)connection;
}

const struct psv_layer psv_layer_plain = {
    .name = "plain",
    .read = plain_read,
    .write = plain_write,
    .send_file = plain_send_file,
    .shutdown_write = plain_shutdown_write,
    .fini = plain_fini,
};
