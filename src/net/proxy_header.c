/* The PROXY protocol's header; see proxy_header.h.
 *
 * SPDX-License-Identifier: MIT */
#include "proxy_header.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/text_parse.h"

#define V1_BYTES_MAX 107
#define V2_BYTES_MIN 16
#define V2_IPV4_BYTES 12
#define V2_IPV6_BYTES 36
#define TYPE_CRC32C 0x03

static const struct psv_bytes v1_start = PSV_BYTES_INIT("PROXY ");
static const struct psv_bytes v2_start = PSV_BYTES_INIT("\r\n\r\n\0\r\nQUIT\n");

static bool begins_alike(struct psv_bytes data, struct psv_bytes start)
{
    size_t len = MIN(data.len, start.len);

    return memcmp(data.data, start.data, len) == 0;
}

/* ---- version 1 */

/* Words are separated by exactly one blank. */
static struct psv_bytes next_word(struct psv_bytes *rest)
{
    size_t end = psv_bytes_find(*rest, ' ');
    struct psv_bytes word = psv_bytes_first(*rest, end);

    *rest = psv_bytes_from(*rest, MIN(end + 1, rest->len));
    return word;
}

static bool take_address(struct psv_bytes word, int family, char out[46])
{
    unsigned char binary[16];

    if (word.len == 0 || word.len >= 46) {
        return false;
    }
    memcpy(out, word.data, word.len);
    out[word.len] = '\0';
    return inet_pton(family, out, binary) == 1 && inet_ntop(family, binary, out, 46) != NULL;
}

static bool take_port(struct psv_bytes word, uint16_t *ret_port)
{
    uint64_t port;

    if (psv_parse_u64(word, &port) != 0 || port > UINT16_MAX || (word.len > 1 && word.data[0] == '0')) {
        return false;
    }
    *ret_port = (uint16_t)port;
    return true;
}

static bool read_v1_line(struct psv_bytes line, struct psv_proxy_header *ret)
{
    struct psv_bytes rest = psv_bytes_from(line, v1_start.len);
    struct psv_bytes family = next_word(&rest);
    int number = AF_INET;

    if (psv_bytes_equal(family, PSV_BYTES("UNKNOWN"))) {
        ret->is_local = true; /* whatever follows is to be ignored */
        return true;
    }
    if (psv_bytes_equal(family, PSV_BYTES("TCP6"))) {
        number = AF_INET6;
    } else if (!psv_bytes_equal(family, PSV_BYTES("TCP4"))) {
        return false;
    }
    return take_address(next_word(&rest), number, ret->remote_address) &&
           take_address(next_word(&rest), number, ret->local_address) &&
           take_port(next_word(&rest), &ret->remote_port) && take_port(rest, &ret->local_port);
}

static size_t read_v1(struct psv_bytes data, struct psv_proxy_header *ret)
{
    size_t end = psv_bytes_find(data, '\n');

    if (end == data.len) {
        return data.len < V1_BYTES_MAX ? data.len + 1 : 0;
    }
    if (end + 1 > V1_BYTES_MAX || end == 0 || data.data[end - 1] != '\r') {
        return 0;
    }
    return read_v1_line(psv_bytes_first(data, end - 1), ret) ? end + 1 : 0;
}

/* ---- version 2 */

static uint16_t u16_at(const unsigned char *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

/* CRC-32C (RFC 3720 B.4), bit by bit: once a connection, over a hundred bytes. */
static uint32_t crc32c(const unsigned char *data, size_t len, size_t zero_from)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        crc ^= i >= zero_from && i < zero_from + 4 ? 0 : data[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? UINT32_C(0x82f63b78) : 0);
        }
    }
    return ~crc;
}

/* Type, length, value: well-formed, and the checksum right if there is one. */
static bool check_tlvs(const unsigned char *header, size_t from, size_t len)
{
    size_t at = from;

    while (at < len) {
        if (len - at < 3 || len - at - 3 < u16_at(header + at + 1)) {
            return false;
        }
        size_t value_len = u16_at(header + at + 1);
        if (header[at] == TYPE_CRC32C) {
            const unsigned char *value = header + at + 3;
            if (value_len != 4 ||
                crc32c(header, len, at + 3) != ((uint32_t)value[0] << 24 | (uint32_t)value[1] << 16 |
                                                (uint32_t)value[2] << 8 | value[3])) {
                return false;
            }
        }
        at += 3 + value_len;
    }
    return true;
}

static bool read_v2_addresses(const unsigned char *header, size_t len, struct psv_proxy_header *ret)
{
    bool is_ipv6 = header[13] == 0x21;
    bool is_ipv4 = header[13] == 0x11;
    size_t address_len = is_ipv6 ? 16 : 4;
    size_t block = is_ipv6 ? V2_IPV6_BYTES : is_ipv4 ? V2_IPV4_BYTES : 0;
    const unsigned char *at = header + V2_BYTES_MIN;

    if (len - V2_BYTES_MIN < block) {
        return false;
    }
    if (block == 0) {
        ret->is_local = true; /* unspecified, UDP, unix sockets: accepted, and nothing is known */
        return true;
    }
    int family = is_ipv6 ? AF_INET6 : AF_INET;
    ret->remote_port = u16_at(at + 2 * address_len);
    ret->local_port = u16_at(at + 2 * address_len + 2);
    return inet_ntop(family, at, ret->remote_address, sizeof(ret->remote_address)) != NULL &&
           inet_ntop(family, at + address_len, ret->local_address, sizeof(ret->local_address)) != NULL &&
           check_tlvs(header, V2_BYTES_MIN + block, len);
}

static size_t read_v2(struct psv_bytes data, struct psv_proxy_header *ret)
{
    const unsigned char *header = (const unsigned char *)data.data;

    if (data.len < V2_BYTES_MIN) {
        return V2_BYTES_MIN;
    }
    size_t len = V2_BYTES_MIN + (size_t)u16_at(header + 14);
    unsigned command = header[12] & 15;
    if (header[12] >> 4 != 2 || command > 1 || (header[13] >> 4) > 3 || (header[13] & 15) > 2 ||
        len > PSV_PROXY_HEADER_MAX) {
        return 0;
    }
    if (data.len < len) {
        return len;
    }
    if (command == 0) {
        ret->is_local = true;
        return len;
    }
    return read_v2_addresses(header, len, ret) ? len : 0;
}

size_t psv_proxy_header_read(struct psv_bytes data, struct psv_proxy_header *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (data.len == 0) {
        return 1;
    }
    if (begins_alike(data, v1_start)) {
        return read_v1(data, ret);
    }
    return begins_alike(data, v2_start) ? read_v2(data, ret) : 0;
}
