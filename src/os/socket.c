/* Listening and accepting.  Non-blocking and close-on-exec from the first moment on.
 *
 * SPDX-License-Identifier: MIT */
#include "socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/error.h"
#include "fd.h"

static int set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value));
}

/* Results are errno values here: the caller decides by them, and words them. */
static int configure(int fd, const struct psv_socket_address *address,
                     const struct psv_listen_options *options)
{
    if (psv_socket_is_unix(address))
        return psv_socket_prepare_unix(address);
    if (set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0)
        return errno;
    if (options->has_reuse_port && set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0)
        return errno;
    if (address->of.any.sa_family == AF_INET6) {
        /* set in both cases: the default is the administrator's (net.ipv6.bindv6only) */
        int is_ipv6_only = options->is_ipv6_only && !address->is_wildcard;
        if (set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, is_ipv6_only) != 0)
            return errno;
    }
    return 0;
}

static int open_listener(const struct psv_socket_address *address, const struct psv_listen_options *options,
                         int *ret_fd)
{
    int family = address->of.any.sa_family;
    CLEANUP(psv_fd_closep) int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    int errno_value = configure(fd, address, options);
    if (errno_value != 0)
        return errno_value;
    if (bind(fd, &address->of.any, address->len) != 0)
        return errno;
    /* the kernel cuts it down to net.core.somaxconn */
    if (listen(fd, options->backlog > 0 ? options->backlog : INT32_MAX) != 0)
        return errno;
    *ret_fd = psv_fd_take(&fd);
    return 0;
}

static struct psv_socket_address ipv4_wildcard(uint16_t port)
{
    return (struct psv_socket_address){
        .of.ipv4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_ANY)},
        .len = sizeof(struct sockaddr_in),
    };
}

int psv_socket_listen(const struct psv_socket_address *address, const struct psv_listen_options *options,
                      int *ret_fd, struct psv_socket_address *ret_bound, struct psv_error *reterr)
{
    CLEANUP(psv_fd_closep) int fd = -1;
    int errno_value = open_listener(address, options, &fd);
    if (address->is_wildcard && (errno_value == EAFNOSUPPORT || errno_value == EADDRNOTAVAIL)) {
        struct psv_socket_address ipv4 = ipv4_wildcard(psv_socket_port(address));
        errno_value = open_listener(&ipv4, options, &fd);
    }
    if (errno_value != 0) {
        char text[PSV_SOCKET_TEXT_MAX];
        psv_socket_format_address(address, text);
        return psv_error_set_errno(reterr, psv_error_of_errno(errno_value), errno_value,
                                   "cannot listen on %s", text);
    }
    if (ret_bound != NULL) {
        struct psv_socket_address bound;
        int error = psv_socket_local_address(fd, &bound);
        if (error != 0)
            return psv_error_set(reterr, error, "cannot learn the port that was bound");
        bound.is_wildcard = address->is_wildcard;
        *ret_bound = bound;
    }
    *ret_fd = psv_fd_take(&fd);
    return 0;
}

static int accept_error(int errno_value)
{
    switch (errno_value) {
    case EMFILE:
    case ENFILE:
        return PSV_ELIMIT;
    case ENOMEM:
    case ENOBUFS:
        return PSV_ENOMEM;
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EOPNOTSUPP:
        return PSV_EIO; /* the listener itself is broken */
    default:
        return PSV_EGONE; /* accept(2): errors of that one connection, among them pending ones of the network
                           */
    }
}

int psv_socket_accept(int listener_fd, int *ret_fd, struct psv_socket_address *ret_peer)
{
    struct psv_socket_address peer = {.len = sizeof(peer.of)};
    int fd;
    do {
        fd = accept4(listener_fd, &peer.of.any, &peer.len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return errno == EAGAIN ? PSV_EAGAIN : accept_error(errno);
    *ret_peer = peer;
    *ret_fd = fd;
    return 0;
}

int psv_socket_local_address(int fd, struct psv_socket_address *ret_address)
{
    struct psv_socket_address address = {.len = sizeof(address.of)};
    if (getsockname(fd, &address.of.any, &address.len) != 0)
        return PSV_EGONE;
    return psv_socket_address_from(&address.of.any, address.len, ret_address);
}

void psv_socket_set_nodelay(int fd, bool is_on)
{
    (void)set_option(fd, IPPROTO_TCP, TCP_NODELAY, is_on);
}

int psv_socket_take_error(int fd)
{
    int errno_value = 0;
    socklen_t len = sizeof(errno_value);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &errno_value, &len) != 0)
        return PSV_EIO;
    return psv_error_of_errno(errno_value);
}
