/* TCP sockets: addresses from and to text, listening, accepting.  No name is ever looked up: "localhost" is
 * the only name that is understood.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include "base/bytes.h"
#include "base/macros.h"

struct psv_error;

struct psv_socket_address {
    union {
        struct sockaddr any;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
        struct sockaddr_un local;
    } of;
    socklen_t len;
    bool is_wildcard; /* "*:80", ":80": IPv6 and IPv4 on one socket, IPv4 alone where the machine has no IPv6
                       */
};

/** Longest numeric address with its NUL; "[...]:65535" or "unix:" and a path with its NUL. */
#define PSV_SOCKET_HOST_MAX 46
#define PSV_SOCKET_TEXT_MAX 120

/** "127.0.0.1:80", "[::1]:80", "localhost:80" (127.0.0.1), ":80" and "*:80" (every address); the port is 0 to
 * 65535 and must be there.  "unix:/path" is a socket in the file system.  0, or PSV_ESYNTAX with a sentence.
 * [any] */
MUST_CHECK int psv_socket_parse_address(struct psv_bytes text, struct psv_socket_address *ret_address,
                                        struct psv_error *reterr);

/** The next of several addresses with commas between them; false after the last.  *rest advances.  [any] */
bool psv_socket_next_address(struct psv_bytes *rest, struct psv_bytes *ret_text);

/** Takes over what the kernel filled in (accept, PROXY protocol).  PSV_EUNSUPPORTED unless it is IPv4, IPv6
 * or a unix socket.  [any] */
MUST_CHECK int psv_socket_address_from(const struct sockaddr *address, socklen_t len,
                                       struct psv_socket_address *ret_address);

/** The numeric host ("unix:" of a unix socket) with NUL and without brackets (an IPv4-mapped IPv6 address as
 * plain IPv4); returns its length.  [any] */
size_t psv_socket_format_host(const struct psv_socket_address *address, char out[PSV_SOCKET_HOST_MAX]);
/** "127.0.0.1:80", "[::1]:80", "*:80", with NUL; returns its length.  [any] */
size_t psv_socket_format_address(const struct psv_socket_address *address, char out[PSV_SOCKET_TEXT_MAX]);
/** 0 of a unix socket. */
uint16_t psv_socket_port(const struct psv_socket_address *address);

struct psv_listen_options {
    int backlog;         /* 0 = the system's maximum */
    bool has_reuse_port; /* SO_REUSEPORT: several sockets on one port, the kernel spreads connections */
    unsigned unix_mode;  /* permissions of a unix socket's file */
    bool is_ipv6_only;   /* "[::]:80" does not take IPv4 too; a wildcard always does */
};

/** A listening, non-blocking, close-on-exec socket with SO_REUSEADDR.  *ret_bound (may be NULL) is the
 * address with the port that was really bound.  Error: PSV_EACCESS, PSV_EEXIST (in use), PSV_ENOENT (no such
 * address here), PSV_EUNSUPPORTED, PSV_ELIMIT, PSV_EIO, with a sentence like "cannot listen on 0.0.0.0:80:
 * Permission denied".  [boot] */
MUST_CHECK int psv_socket_listen(const struct psv_socket_address *address,
                                 const struct psv_listen_options *options, int *ret_fd,
                                 struct psv_socket_address *ret_bound, struct psv_error *reterr);

/** Which file a unix socket is. */
struct psv_socket_file {
    dev_t device;
    ino_t inode;
};

bool psv_socket_is_unix(const struct psv_socket_address *address);
/** Before bind: removes a socket's file that nobody listens on any more.  0 or an errno value (EADDRINUSE:
 * somebody does; EEXIST: that is no socket).  [boot] */
MUST_CHECK int psv_socket_prepare_unix(const struct psv_socket_address *address);
/** After bind: permissions, and which file it is.  0 or an errno value.  [boot] */
MUST_CHECK int psv_socket_finish_unix(const struct psv_socket_address *address, unsigned mode,
                                      struct psv_socket_file *ret_file);
/** Removes the file unless another one has taken its place. */
void psv_socket_remove_unix(const struct psv_socket_address *address, const struct psv_socket_file *file);

/** The next waiting connection, non-blocking and close-on-exec.  PSV_EAGAIN when there is none; PSV_EGONE
 * when that one failed already (go on with the next); PSV_ELIMIT, PSV_ENOMEM when descriptors or memory ran
 * out (pause accepting); PSV_EIO.  [loop] */
MUST_CHECK int psv_socket_accept(int listener_fd, int *ret_fd, struct psv_socket_address *ret_peer);

/** The address of our own end.  0, PSV_EGONE, PSV_EUNSUPPORTED.  [any] */
MUST_CHECK int psv_socket_local_address(int fd, struct psv_socket_address *ret_address);

/** Small writes leave at once.  Failure is harmless, hence no result.  [any] */
void psv_socket_set_nodelay(int fd, bool is_on);

/** A pending error of the socket (SO_ERROR) as PSV_E*, 0 when there is none; reading clears it.  [any] */
int psv_socket_take_error(int fd);
