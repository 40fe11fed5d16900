/* Socket addresses from and to text.  Pure: no name service is asked.
 *
 * SPDX-License-Identifier: MIT */
#include "socket.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/text_parse.h"

#define UNIX_PREFIX PSV_BYTES("unix:")

static void set_ipv4(struct psv_socket_address *address, struct in_addr host, uint16_t port)
{
    *address = (struct psv_socket_address){
        .of.ipv4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = host},
        .len = sizeof(struct sockaddr_in),
    };
}

static void set_ipv6(struct psv_socket_address *address, struct in6_addr host, uint16_t port)
{
    *address = (struct psv_socket_address){
        .of.ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = host},
        .len = sizeof(struct sockaddr_in6),
    };
}

/* host without brackets */
static bool parse_host(struct psv_bytes host, bool is_bracketed, uint16_t port,
                       struct psv_socket_address *ret_address)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr ipv4;
    struct in6_addr ipv6;
    if (!is_bracketed && (host.len == 0 || psv_bytes_equal(host, PSV_BYTES("*")))) {
        set_ipv6(ret_address, in6addr_any, port);
        ret_address->is_wildcard = true;
        return true;
    }
    if (!is_bracketed && psv_bytes_equal_case(host, PSV_BYTES("localhost")))
        host = PSV_BYTES("127.0.0.1");
    if (host.len >= sizeof(text) || psv_bytes_find(host, '\0') != host.len)
        return false;
    memcpy(text, host.data, host.len);
    text[host.len] = '\0';
    if (is_bracketed && inet_pton(AF_INET6, text, &ipv6) == 1) {
        set_ipv6(ret_address, ipv6, port);
        return true;
    }
    if (!is_bracketed && inet_pton(AF_INET, text, &ipv4) == 1) {
        set_ipv4(ret_address, ipv4, port);
        return true;
    }
    return false;
}

bool psv_socket_next_address(struct psv_bytes *rest, struct psv_bytes *ret_text)
{
    if (rest->len == 0) {
        return false;
    }
    size_t comma = psv_bytes_find(*rest, ',');
    *ret_text = psv_bytes_trim(psv_bytes_first(*rest, comma));
    *rest = psv_bytes_from(*rest, MIN(comma + 1, rest->len));
    return true;
}

static int parse_unix(struct psv_bytes path, struct psv_socket_address *ret_address, struct psv_error *reterr)
{
    struct psv_socket_address address = {.of.local = {.sun_family = AF_UNIX},
                                         .len = sizeof(address.of.local)};
    if (path.len == 0 || path.data[0] != '/' || path.len >= sizeof(address.of.local.sun_path) ||
        psv_bytes_find(path, '\0') != path.len) {
        return psv_error_set(reterr, PSV_ESYNTAX,
                             "address \"unix:%.*s\": write unix:/path, of at most %zu bytes",
                             PSV_BYTES_ARG(path), sizeof(address.of.local.sun_path) - 1);
    }
    memcpy(address.of.local.sun_path, path.data, path.len);
    *ret_address = address;
    return 0;
}

int psv_socket_parse_address(struct psv_bytes text, struct psv_socket_address *ret_address,
                             struct psv_error *reterr)
{
    if (psv_bytes_starts_with(text, UNIX_PREFIX))
        return parse_unix(psv_bytes_from(text, UNIX_PREFIX.len), ret_address, reterr);
    size_t colon = psv_bytes_find_last(text, ':');
    struct psv_bytes host = psv_bytes_first(text, colon);
    bool is_bracketed = host.len >= 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';
    if (is_bracketed)
        host = psv_bytes_first(psv_bytes_from(host, 1), host.len - 2);

    if (colon == text.len)
        return psv_error_set(reterr, PSV_ESYNTAX, "address \"%.*s\" has no port: write HOST:PORT",
                             PSV_BYTES_ARG(text));
    uint64_t port;
    int error = psv_parse_u64(psv_bytes_from(text, colon + 1), &port);
    if (error != 0 || port > UINT16_MAX)
        return psv_error_set(reterr, PSV_ESYNTAX,
                             "address \"%.*s\": the port is not a number from 0 to 65535",
                             PSV_BYTES_ARG(text));
    if (!is_bracketed && psv_bytes_find(host, ':') != host.len)
        return psv_error_set(reterr, PSV_ESYNTAX,
                             "address \"%.*s\": an IPv6 address needs brackets, as in [::1]:80",
                             PSV_BYTES_ARG(text));
    if (!parse_host(host, is_bracketed, (uint16_t)port, ret_address))
        return psv_error_set(reterr, PSV_ESYNTAX,
                             "address \"%.*s\": the host is not a numeric address, \"localhost\" or \"*\"",
                             PSV_BYTES_ARG(text));
    return 0;
}

int psv_socket_address_from(const struct sockaddr *address, socklen_t len,
                            struct psv_socket_address *ret_address)
{
    struct psv_socket_address copy = {.len = len};
    if (len < sizeof(sa_family_t) || len > sizeof(copy.of))
        return PSV_EUNSUPPORTED;
    memcpy(&copy.of, address, len);
    sa_family_t family = copy.of.any.sa_family;
    if (family == AF_UNIX) {
        *ret_address = copy;
        return 0;
    }
    socklen_t expected = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    if ((family != AF_INET && family != AF_INET6) || len != expected)
        return PSV_EUNSUPPORTED;
    *ret_address = copy;
    return 0;
}

uint16_t psv_socket_port(const struct psv_socket_address *address)
{
    if (psv_socket_is_unix(address))
        return 0;
    /* the same place in both kinds, but the union says which one is valid */
    return ntohs(address->of.any.sa_family == AF_INET6 ? address->of.ipv6.sin6_port
                                                       : address->of.ipv4.sin_port);
}

size_t psv_socket_format_host(const struct psv_socket_address *address, char out[PSV_SOCKET_HOST_MAX])
{
    const char *text;
    if (psv_socket_is_unix(address)) {
        memcpy(out, UNIX_PREFIX.data, UNIX_PREFIX.len);
        out[UNIX_PREFIX.len] = '\0';
        text = out;
    } else if (address->of.any.sa_family == AF_INET6) {
        const struct in6_addr *host = &address->of.ipv6.sin6_addr;
        text = IN6_IS_ADDR_V4MAPPED(host) ? inet_ntop(AF_INET, host->s6_addr + 12, out, PSV_SOCKET_HOST_MAX)
                                          : inet_ntop(AF_INET6, host, out, PSV_SOCKET_HOST_MAX);
    } else {
        text = inet_ntop(AF_INET, &address->of.ipv4.sin_addr, out, PSV_SOCKET_HOST_MAX);
    }
    INVARIANT(text != NULL);
    return strlen(out);
}

size_t psv_socket_format_address(const struct psv_socket_address *address, char out[PSV_SOCKET_TEXT_MAX])
{
    char host[PSV_SOCKET_HOST_MAX] = "*";
    if (psv_socket_is_unix(address)) {
        size_t path_len = strnlen(address->of.local.sun_path, sizeof(address->of.local.sun_path));
        memcpy(out, UNIX_PREFIX.data, UNIX_PREFIX.len);
        memcpy(out + UNIX_PREFIX.len, address->of.local.sun_path, path_len);
        out[UNIX_PREFIX.len + path_len] = '\0';
        return UNIX_PREFIX.len + path_len;
    }
    size_t host_len = address->is_wildcard ? 1 : psv_socket_format_host(address, host);
    bool is_bracketed = memchr(host, ':', host_len) != NULL;
    size_t len = 0;
    if (is_bracketed)
        out[len++] = '[';
    memcpy(out + len, host, host_len);
    len += host_len;
    if (is_bracketed)
        out[len++] = ']';
    out[len++] = ':';
    len += psv_format_u64(out + len, psv_socket_port(address));
    out[len] = '\0';
    return len;
}
