/* Forwarded and its forerunners; see forwarded.h.
 *
 * SPDX-License-Identifier: MIT */
#include "forwarded.h"

#include <string.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/text_parse.h"
#include "http/field_list.h"

/* A quoted string loses its quotes; with escapes in it nobody writes an address. */
static struct psv_bytes unquote(struct psv_bytes text)
{
    if (text.len == 0 || text.data[0] != '"') {
        return text;
    }
    if (text.len < 2 || text.data[text.len - 1] != '"' || psv_bytes_find(text, '\\') != text.len) {
        return PSV_BYTES_EMPTY;
    }
    return psv_bytes_first(psv_bytes_from(text, 1), text.len - 2);
}

static uint16_t port_of(struct psv_bytes text)
{
    uint64_t port;

    return psv_parse_u64(text, &port) == 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* An address: digits, letters of hexadecimal numbers, dots, colons.  Whether it is one is seen when it is
 * used. */
static bool is_address_like(struct psv_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = psv_ascii_lower(text.data[i]);
        if (!psv_ascii_is_digit(c) && !(c >= 'a' && c <= 'f') && c != '.' && c != ':') {
            return false;
        }
    }
    return text.len > 0;
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80"; everything else is
 * unknown. */
static void read_node(struct psv_bytes node, struct psv_forwarded_hop *hop)
{
    size_t colon = psv_bytes_find_last(node, ':');
    struct psv_bytes address = node;

    if (node.len > 0 && node.data[0] == '[') {
        size_t end = psv_bytes_find(node, ']');
        address = psv_bytes_first(psv_bytes_from(node, 1), end > 0 ? end - 1 : 0);
        if (end == node.len) {
            return;
        }
        if (end + 1 < node.len && node.data[end + 1] == ':') {
            hop->port = port_of(psv_bytes_from(node, end + 2));
        } else if (end + 1 != node.len) {
            return;
        }
    } else if (colon < node.len && psv_bytes_find(node, ':') == colon) {
        address = psv_bytes_first(node, colon); /* one colon: a port follows */
        hop->port = port_of(psv_bytes_from(node, colon + 1));
    }
    if (is_address_like(address)) {
        hop->address = address;
    }
}

/* Keeps the nearest when there are too many. */
static struct psv_forwarded_hop *push(struct psv_forwarded_hop *hops, unsigned *len)
{
    unsigned kept = MIN(*len, (unsigned)PSV_FORWARDED_HOPS_MAX - 1);

    memmove(&hops[1], &hops[0], kept * sizeof(*hops));
    memset(&hops[0], 0, sizeof(hops[0]));
    *len = kept + 1;
    return &hops[0];
}

static void read_pair(struct psv_bytes pair, struct psv_forwarded_hop *hop)
{
    size_t equals = psv_bytes_find(pair, '=');
    struct psv_bytes name = psv_bytes_first(pair, equals);
    struct psv_bytes value = equals < pair.len ? unquote(psv_bytes_from(pair, equals + 1)) : PSV_BYTES_EMPTY;

    if (psv_bytes_equal_case(name, PSV_BYTES("for"))) {
        read_node(value, hop);
    } else if (psv_bytes_equal_case(name, PSV_BYTES("proto"))) {
        hop->proto = value;
    } else if (psv_bytes_equal_case(name, PSV_BYTES("host"))) {
        hop->host = value;
    }
}

unsigned psv_forwarded_read(const struct psv_headers *headers,
                            struct psv_forwarded_hop hops[PSV_FORWARDED_HOPS_MAX])
{
    unsigned len = 0;

    for (unsigned i = 0; i < headers->len; i++) {
        struct psv_bytes rest = headers->items[i].value;
        struct psv_bytes member;
        while (headers->items[i].id == PSV_FIELD_FORWARDED && psv_field_list_next(&rest, &member)) {
            struct psv_forwarded_hop *hop = push(hops, &len);
            struct psv_bytes pair;
            while (psv_field_parameter_next(&member, &pair)) {
                read_pair(pair, hop);
            }
        }
    }
    return len;
}

/* The last member of the last field of that name. */
static struct psv_bytes last_value(const struct psv_headers *headers, struct psv_bytes name)
{
    struct psv_bytes last = PSV_BYTES_EMPTY;

    for (unsigned i = 0; i < headers->len; i++) {
        struct psv_bytes rest = headers->items[i].value;
        if (headers->items[i].id == PSV_FIELD_UNKNOWN && psv_bytes_equal_case(headers->items[i].name, name)) {
            while (psv_field_list_next(&rest, &last)) {
            }
        }
    }
    return last;
}

unsigned psv_x_forwarded_read(const struct psv_headers *headers,
                              struct psv_forwarded_hop hops[PSV_FORWARDED_HOPS_MAX])
{
    struct psv_bytes proto = last_value(headers, PSV_BYTES("X-Forwarded-Proto"));
    struct psv_bytes host = last_value(headers, PSV_BYTES("X-Forwarded-Host"));
    uint16_t port = port_of(last_value(headers, PSV_BYTES("X-Forwarded-Port")));
    unsigned len = 0;

    for (unsigned i = 0; i < headers->len; i++) {
        struct psv_bytes rest = headers->items[i].value;
        struct psv_bytes member;
        bool is_for = headers->items[i].id == PSV_FIELD_UNKNOWN &&
                      psv_bytes_equal_case(headers->items[i].name, PSV_BYTES("X-Forwarded-For"));
        while (is_for && psv_field_list_next(&rest, &member)) {
            read_node(unquote(member), push(hops, &len));
        }
    }
    if (len == 0 && (proto.len > 0 || host.len > 0 || port != 0)) {
        (void)push(hops, &len); /* who the client is was not said, how it came was */
    }
    for (unsigned i = 0; i < len; i++) {
        hops[i].proto = proto;
        hops[i].host = host;
        hops[i].host_port = port;
    }
    return len;
}
