/* A connection that the program itself opens, for as long as it takes to ask something: with a deadline, and
 * blocking the thread that asks.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#include "socket_connect.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/buffer.h"
#include "base/error.h"
#include "clock.h"
#include "fd.h"

#define READ_BYTES 4096

void psv_socket_to_loopback(struct psv_socket_address *address)
{
    if (address->of.any.sa_family == AF_INET && address->of.ipv4.sin_addr.s_addr == htonl(INADDR_ANY)) {
        address->of.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else if (address->of.any.sa_family == AF_INET6 &&
               IN6_IS_ADDR_UNSPECIFIED(&address->of.ipv6.sin6_addr)) {
        if (address->is_wildcard) {
            /* takes IPv4 too, and is IPv4 alone on a machine without IPv6 */
            in_port_t port = address->of.ipv6.sin6_port;
            *address = (struct psv_socket_address){
                .of.ipv4 = {.sin_family = AF_INET,
                            .sin_port = port,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
                .len = sizeof(struct sockaddr_in),
            };
        } else {
            address->of.ipv6.sin6_addr = in6addr_loopback;
        }
    }
}

/* 0, PSV_ETIMEOUT. */
static int wait_for(int fd, short events, uint64_t deadline_ns)
{
    for (;;) {
        uint64_t now_ns = psv_clock_monotonic_ns();
        struct pollfd poll_fd = {.fd = fd, .events = events};
        if (now_ns >= deadline_ns)
            return PSV_ETIMEOUT;
        uint64_t left_ms = (deadline_ns - now_ns) / PSV_NS_PER_MS + 1;
        int count = poll(&poll_fd, 1, (int)MIN(left_ms, (uint64_t)INT32_MAX));
        if (count > 0)
            return 0;
        if (count < 0 && errno != EINTR)
            return PSV_EIO;
    }
}

int psv_socket_connect(const struct psv_socket_address *address, uint64_t deadline_ns, int *ret_fd,
                       struct psv_error *reterr)
{
    char text[PSV_SOCKET_TEXT_MAX];
    CLEANUP(psv_fd_closep)
    int fd = socket(address->of.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int errno_value = 0;

    psv_socket_format_address(address, text);
    /* EINTR: goes on without us; EAGAIN: a unix socket whose backlog is full */
    if (fd < 0 ||
        (connect(fd, &address->of.any, address->len) != 0 && errno != EINPROGRESS && errno != EINTR))
        errno_value = errno;
    if (errno_value == 0) {
        if (wait_for(fd, POLLOUT, deadline_ns) != 0)
            return psv_error_set(reterr, PSV_ETIMEOUT, "%s did not take the connection in time", text);
        socklen_t len = sizeof(errno_value);
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &errno_value, &len) != 0)
            errno_value = errno;
    }
    if (errno_value != 0)
        return psv_error_set_errno(reterr, psv_error_of_errno(errno_value), errno_value,
                                   "cannot connect to %s", text);
    *ret_fd = psv_fd_take(&fd);
    return 0;
}

int psv_socket_ask(int fd, struct psv_bytes question, uint64_t deadline_ns, struct psv_buffer *answer)
{
    int error = 0;

    while (question.len > 0 && error == 0) {
        ssize_t len = send(fd, question.data, question.len, MSG_NOSIGNAL);
        if (len >= 0)
            question = psv_bytes_from(question, (size_t)len);
        else if (errno == EAGAIN)
            error = wait_for(fd, POLLOUT, deadline_ns);
        else if (errno != EINTR)
            error = PSV_EGONE;
    }
    while (error == 0) {
        char data[READ_BYTES];
        ssize_t len = recv(fd, data, sizeof(data), 0);
        if (len == 0)
            return 0;
        if (len > 0)
            error = psv_buffer_append(answer, data, (size_t)len);
        else if (errno == EAGAIN)
            error = wait_for(fd, POLLIN, deadline_ns);
        else if (errno != EINTR)
            error = PSV_EGONE;
    }
    return error;
}
