/* Fuzz target of net/proxy_header.c.  Oracles: what is asked for grows with what is there and never passes
 * the limit; a complete header is the same whatever follows it, and its addresses are addresses.
 *
 * SPDX-License-Identifier: MIT */
#include "net/proxy_header.h"

#include <stdlib.h>
#include <string.h>

#include "http_oracle.h"
#include "os/ip_network.h"

static void check_address(const char *text)
{
    struct psv_ip ip;
    ORACLE(psv_ip_parse(psv_bytes_of(text), &ip) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct psv_proxy_header header;
    struct psv_proxy_header again;
    size_t have = 0;

    for (;;) {
        /* memory of its own: nothing is read past its end */
        char *piece = malloc(have > 0 ? have : 1);
        ORACLE(piece != NULL);
        memcpy(piece, data, have);
        size_t wanted = psv_proxy_header_read((struct psv_bytes){piece, have}, &header);
        free(piece);
        ORACLE(wanted <= PSV_PROXY_HEADER_MAX);
        if (wanted == 0) {
            return 0;
        }
        if (wanted <= have) {
            ORACLE(wanted == have); /* it was asked for byte by byte: nothing is left over */
            break;
        }
        if (wanted > len) {
            return 0;
        }
        have = wanted;
    }
    ORACLE(psv_proxy_header_read((struct psv_bytes){(const char *)data, len}, &again) == have);
    ORACLE(memcmp(&header, &again, sizeof(header)) == 0);
    if (!header.is_local) {
        check_address(header.remote_address);
        check_address(header.local_address);
    }
    return 0;
}
