/* IP networks; see ip_network.h.
 *
 * SPDX-License-Identifier: MIT */
#include "ip_network.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text_parse.h"

#define IPV6_CLIENT_BYTES 8
#define MAPPED_BITS 96 /* before the IPv4 address in a mapped one */

/* In two words, as they are in memory. */
struct psv_ip_network {
    uint64_t address[2]; /* zeros outside the mask */
    uint64_t mask[2];
};

_Static_assert(sizeof(struct psv_ip) == 2 * sizeof(uint64_t), "an address is two words");

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static const char *const loopback_texts[] = {"127.0.0.0/8", "::1"};
static const char *const private_texts[] = {
    "127.0.0.0/8",    "::1",      "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
    "169.254.0.0/16", "fc00::/7", "fe80::/10",
};

int psv_ip_parse(struct psv_bytes text, struct psv_ip *ret_ip)
{
    char copy[PSV_SOCKET_HOST_MAX];
    struct psv_ip ip;

    if (text.len == 0 || text.len >= sizeof(copy) || psv_bytes_find(text, '\0') != text.len) {
        return PSV_ESYNTAX;
    }
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    memcpy(ip.bytes, mapped_prefix, sizeof(mapped_prefix));
    if (inet_pton(AF_INET, copy, ip.bytes + sizeof(mapped_prefix)) != 1 &&
        inet_pton(AF_INET6, copy, ip.bytes) != 1) {
        return PSV_ESYNTAX;
    }
    *ret_ip = ip;
    return PSV_OK;
}

bool psv_ip_is_v4(const struct psv_ip *ip)
{
    return memcmp(ip->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

struct psv_bytes psv_ip_client(const struct psv_ip *ip)
{
    return (struct psv_bytes){(const char *)ip->bytes,
                              psv_ip_is_v4(ip) ? sizeof(ip->bytes) : IPV6_CLIENT_BYTES};
}

size_t psv_ip_format(const struct psv_ip *ip, char out[PSV_SOCKET_HOST_MAX])
{
    const char *text = psv_ip_is_v4(ip)
                           ? inet_ntop(AF_INET, ip->bytes + sizeof(mapped_prefix), out, PSV_SOCKET_HOST_MAX)
                           : inet_ntop(AF_INET6, ip->bytes, out, PSV_SOCKET_HOST_MAX);

    INVARIANT(text != NULL);
    return strlen(out);
}

bool psv_ip_networks_hold(const struct psv_ip_networks *networks, const struct psv_ip *ip)
{
    uint64_t words[2];

    memcpy(words, ip->bytes, sizeof(words));
    for (size_t i = 0; i < networks->len; i++) {
        const struct psv_ip_network *network = &networks->items[i];
        if ((((words[0] & network->mask[0]) ^ network->address[0]) |
             ((words[1] & network->mask[1]) ^ network->address[1])) == 0) {
            return true;
        }
    }
    return false;
}

static void make_network(const struct psv_ip *ip, unsigned prefix_bits, struct psv_ip_network *ret)
{
    struct psv_ip mask = {{0}};

    for (unsigned bit = 0; bit < prefix_bits; bit++) {
        mask.bytes[bit / 8] = (uint8_t)(mask.bytes[bit / 8] | 0x80u >> bit % 8);
    }
    memcpy(ret->address, ip->bytes, sizeof(ret->address));
    memcpy(ret->mask, mask.bytes, sizeof(ret->mask));
    ret->address[0] &= ret->mask[0];
    ret->address[1] &= ret->mask[1];
}

static int parse_network(struct psv_bytes text, struct psv_ip_network *ret)
{
    size_t slash = psv_bytes_find(text, '/');
    uint64_t bits = 128;
    struct psv_ip ip;
    int code = psv_ip_parse(psv_bytes_first(text, slash), &ip);

    if (code != PSV_OK) {
        return code;
    }
    bool is_ipv4 = psv_ip_is_v4(&ip) && psv_bytes_find(psv_bytes_first(text, slash), ':') == slash;
    if (slash < text.len) {
        code = psv_parse_u64(psv_bytes_from(text, slash + 1), &bits);
        bits += is_ipv4 && bits <= 32 ? MAPPED_BITS : 0;
        if (code != PSV_OK || bits > 128 || (is_ipv4 && bits < MAPPED_BITS)) {
            return PSV_ESYNTAX;
        }
    }
    make_network(&ip, (unsigned)bits, ret);
    return PSV_OK;
}

static int add(struct psv_ip_networks *networks, const char *text, struct psv_error *reterr)
{
    struct psv_ip_network *items = psv_realloc(networks->items, (networks->len + 1) * sizeof(*items));

    if (items == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    }
    networks->items = items;
    if (parse_network(psv_bytes_of(text), &items[networks->len]) != PSV_OK) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "\"%.60s\" is no network: write 10.0.0.0/8, 2001:db8::/32, an address, private, "
                             "loopback or unix",
                             text);
    }
    networks->len++;
    return PSV_OK;
}

static int add_all(struct psv_ip_networks *networks, const char *const *texts, size_t texts_len,
                   struct psv_error *reterr)
{
    int code = PSV_OK;

    for (size_t i = 0; i < texts_len && code == PSV_OK; i++) {
        code = add(networks, texts[i], reterr);
    }
    return code;
}

int psv_ip_networks_init(struct psv_ip_networks *networks, const char *const *texts, size_t texts_len,
                         struct psv_error *reterr)
{
    int code = PSV_OK;

    *networks = (struct psv_ip_networks){0};
    for (size_t i = 0; i < texts_len && code == PSV_OK; i++) {
        if (strcmp(texts[i], "private") == 0) {
            code = add_all(networks, private_texts, ARRAY_SIZE(private_texts), reterr);
        } else if (strcmp(texts[i], "unix") == 0) {
            networks->holds_unix = true;
        } else if (strcmp(texts[i], "loopback") == 0) {
            code = add_all(networks, loopback_texts, ARRAY_SIZE(loopback_texts), reterr);
        } else {
            code = add(networks, texts[i], reterr);
        }
    }
    if (code != PSV_OK) {
        psv_ip_networks_fini(networks);
    }
    return code;
}

void psv_ip_networks_fini(struct psv_ip_networks *networks)
{
    networks->items = psv_free(networks->items);
    networks->len = 0;
}
