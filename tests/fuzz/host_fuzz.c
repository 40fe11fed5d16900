/* Fuzz target of http/authority.c.  Input: a Host value.  Oracles: host and port written together parse the
 * same; nothing that could end a host survives in it; brackets hold what inet_pton takes for IPv6, and all
 * of it; the target's authority is read like the field.
 *
 * SPDX-License-Identifier: MIT */
#include <arpa/inet.h>

#include "http_oracle.h"

#include "http/authority.h"
#include "http/target.h"

static bool is_ipv6(struct psv_bytes text)
{
    char terminated[64];
    struct in6_addr address;

    if (text.len >= sizeof(terminated) || psv_bytes_find(text, '\0') < text.len)
        return false;
    if (text.len > 0)
        memcpy(terminated, text.data, text.len);
    terminated[text.len] = '\0';
    return inet_pton(AF_INET6, terminated, &address) == 1;
}

static void check_parsed(struct psv_bytes host, uint16_t port)
{
    char *text = malloc(host.len + 8);
    struct psv_bytes again;
    uint16_t again_port;

    memcpy(text, host.data, host.len);
    int port_len = port > 0 ? snprintf(text + host.len, 8, ":%u", port) : 0;
    ORACLE(psv_authority_parse((struct psv_bytes){text, host.len + (size_t)port_len}, &again, &again_port) ==
           0);
    ORACLE(psv_bytes_equal(again, host) && again_port == port);
    for (size_t i = 0; i < host.len; i++)
        ORACLE(host.data[i] > ' ' && host.data[i] < 0x7f && strchr("/?#@,\\\"<>", host.data[i]) == NULL);
    free(text);
}

static void check_target(struct psv_bytes value, int result)
{
    struct psv_arena arena;
    struct psv_request request = {0};
    char *text = malloc(value.len + 8);

    psv_arena_init(&arena, 1 << 20);
    memcpy(text, "http://", 7);
    if (value.len > 0)
        memcpy(text + 7, value.data, value.len);
    text[value.len + 7] = '/';
    int target_result =
        psv_target_parse(&arena, PSV_METHOD_GET, (struct psv_bytes){text, value.len + 8}, &request);
    if (result == 0)
        ORACLE(target_result == 0 && psv_bytes_equal(request.authority, value));
    psv_arena_fini(&arena);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct psv_bytes value = {(const char *)data, size};
    struct psv_bytes host = PSV_BYTES_EMPTY;
    struct psv_bytes inside = {value.data + 1, size > 2 ? size - 2 : 0};
    uint16_t port = 0;
    int result = psv_authority_parse(value, &host, &port);

    ORACLE((result == PSV_EEMPTY) == (size == 0));
    if (result == 0) {
        ORACLE(host.data == value.data && host.len > 0);
        check_parsed(host, port);
    }
    if (size > 2 && value.data[0] == '[' && psv_bytes_find(value, ']') == size - 1)
        ORACLE((result == 0) == is_ipv6(inside));
    check_target(value, result);
    return 0;
}
