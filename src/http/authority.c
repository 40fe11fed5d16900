/* Host and port of a request (RFC 3986 3.2).  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "authority.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "escape.h"

/* unreserved and sub-delims, but the comma: a list of hosts is an attack, never a name. */
static const bool is_name_byte[256] = {
    ['!'] = true, ['$'] = true,         ['&'] = true,         ['\''] = true,        ['('] = true,
    [')'] = true, ['*'] = true,         ['+'] = true,         ['-'] = true,         ['.'] = true,
    [';'] = true, ['='] = true,         ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['_'] = true,
    ['~'] = true, ['a' ... 'z'] = true,
};

/* Length of the reg-name that text begins with, up to a colon or its end; 0 when there is none. */
static size_t reg_name_len(struct psv_bytes text)
{
    size_t len = 0;

    for (;;) {
        while (len < text.len && is_name_byte[(uint8_t)text.data[len]]) {
            len++;
        }
        if (len >= text.len || text.data[len] == ':') {
            return len;
        }
        int byte = psv_escape_decode(psv_bytes_from(text, len));
        /* an encoded control byte has no place in a name that scripts read decoded */
        if (byte < ' ' || byte == 0x7f) {
            return 0;
        }
        len += 3;
    }
}

/* Four decimal octets without leading zeros (RFC 3986 dec-octet). */
static bool is_ipv4(struct psv_bytes text)
{
    unsigned octets = 0;
    struct psv_bytes octet;

    if (text.len == 0 || text.data[text.len - 1] == '.') {
        return false;
    }
    while (psv_bytes_split(&text, '.', &octet)) {
        unsigned value = 0;
        if (octet.len == 0 || octet.len > 3 || (octet.len > 1 && octet.data[0] == '0')) {
            return false;
        }
        for (size_t i = 0; i < octet.len; i++) {
            if (!psv_ascii_is_digit(octet.data[i])) {
                return false;
            }
            value = value * 10 + (unsigned)(octet.data[i] - '0');
        }
        if (value > 255) {
            return false;
        }
        octets++;
    }
    return octets == 4;
}

/* Groups of one side of "::", two for an IPv4 tail; -1 when malformed.  An empty text has none. */
static int count_ipv6_groups(struct psv_bytes text, bool may_end_in_ipv4)
{
    int groups = 0;
    size_t at = 0;

    if (text.len == 0) {
        return 0;
    }
    /* one round more than there are colons: a trailing colon leaves an empty group, which is refused */
    while (at <= text.len) {
        struct psv_bytes rest = psv_bytes_from(text, at);
        struct psv_bytes group = psv_bytes_first(rest, psv_bytes_find(rest, ':'));

        if (may_end_in_ipv4 && group.len == rest.len && is_ipv4(group)) {
            return groups + 2;
        }
        if (group.len == 0 || group.len > 4) {
            return -1;
        }
        for (size_t i = 0; i < group.len; i++) {
            if (psv_hex_digit(group.data[i]) < 0) {
                return -1;
            }
        }
        groups++;
        at += group.len + 1;
    }
    return groups;
}

/* Without brackets.  Longest is eight groups of four digits; or six and an IPv4 tail: 45 bytes. */
static bool is_ipv6(struct psv_bytes text)
{
    int left;
    int right;

    if (text.len < 2 || text.len > 45) {
        return false;
    }
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.data[i] == ':' && text.data[i + 1] == ':') {
            left = count_ipv6_groups(psv_bytes_first(text, i), false);
            right = count_ipv6_groups(psv_bytes_from(text, i + 2), true);
            return left >= 0 && right >= 0 && left + right <= 7;
        }
    }
    return count_ipv6_groups(text, true) == 8;
}

/* text is empty or begins with the colon. */
static int parse_port(struct psv_bytes text, uint16_t *ret_port)
{
    unsigned port = 0;

    if (text.len <= 1) {
        *ret_port = 0;
        return 0;
    }
    for (size_t i = 1; i < text.len; i++) {
        if (!psv_ascii_is_digit(text.data[i])) {
            return PSV_ESYNTAX;
        }
        port = port * 10 + (unsigned)(text.data[i] - '0');
        if (port > UINT16_MAX) {
            return PSV_ESYNTAX;
        }
    }
    if (port == 0) {
        return PSV_ESYNTAX;
    }
    *ret_port = (uint16_t)port;
    return 0;
}

int psv_authority_parse(struct psv_bytes text, struct psv_bytes *ret_host, uint16_t *ret_port)
{
    struct psv_bytes host;
    struct psv_bytes after;
    uint16_t port;

    if (text.len == 0) {
        return PSV_EEMPTY;
    }
    if (text.data[0] == '[') {
        size_t end = psv_bytes_find(text, ']');
        if (end == text.len || !is_ipv6((struct psv_bytes){text.data + 1, end - 1})) {
            return PSV_ESYNTAX;
        }
        host = psv_bytes_first(text, end + 1);
    } else {
        host = psv_bytes_first(text, reg_name_len(text));
        if (host.len == 0) {
            return PSV_ESYNTAX;
        }
    }
    after = psv_bytes_from(text, host.len);
    if ((after.len > 0 && after.data[0] != ':') || parse_port(after, &port) != 0) {
        return PSV_ESYNTAX;
    }
    *ret_host = host;
    *ret_port = port;
    return 0;
}

int psv_host_resolve(struct psv_request *request)
{
    unsigned count = psv_headers_count(&request->headers, PSV_FIELD_HOST);
    struct psv_bytes field = psv_headers_value(&request->headers, PSV_FIELD_HOST);
    bool has_authority = request->authority.len > 0;
    struct psv_bytes host = PSV_BYTES("");
    uint16_t port = 0;

    if (count > 1) {
        return PSV_ESYNTAX;
    }
    if (count == 0 &&
        (request->version == PSV_HTTP_1_1 || (request->version == PSV_HTTP_2 && !has_authority))) {
        return PSV_ESYNTAX;
    }
    if (field.len > 0 && psv_authority_parse(field, &host, &port) != 0) {
        return PSV_ESYNTAX;
    }
    /* RFC 9113 8.3.1.  In HTTP/1.1 the target simply wins (RFC 9112 3.2.2) */
    if (has_authority && count == 1 && request->version == PSV_HTTP_2 &&
        !psv_bytes_equal_case(request->authority, field)) {
        return PSV_ESYNTAX;
    }
    if (has_authority) {
        if (psv_authority_parse(request->authority, &host, &port) != 0) {
            return PSV_ESYNTAX;
        }
    } else {
        request->authority = field.len > 0 ? field : PSV_BYTES("");
    }
    request->host = host;
    request->port = port;
    return 0;
}

bool psv_host_is_local(struct psv_bytes host)
{
    static const struct psv_bytes apart[] = {
        PSV_BYTES_INIT(".localhost"), PSV_BYTES_INIT(".test"),  PSV_BYTES_INIT(".example"),
        PSV_BYTES_INIT(".invalid"),   PSV_BYTES_INIT(".local"), PSV_BYTES_INIT(".internal"),
        PSV_BYTES_INIT(".home.arpa"),
    };

    if (host.len > 0 && host.data[host.len - 1] == '.') {
        host.len--;
    }
    if (host.len == 0 || host.data[0] == '[' || is_ipv4(host) || psv_bytes_find(host, '.') == host.len) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(apart); i++) {
        if (psv_bytes_ends_with_case(host, apart[i])) {
            return true;
        }
    }
    return false;
}
