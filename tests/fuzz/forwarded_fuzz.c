/* Fuzz target of http/forwarded.c: the value of a field.  Oracles: no more hops than allowed; texts lie
 * within the value; an address holds nothing but what addresses are made of.
 *
 * SPDX-License-Identifier: MIT */
#include "http/forwarded.h"

#include <string.h>

#include "http_oracle.h"

static void check(struct psv_bytes text, const uint8_t *data, size_t len)
{
    ORACLE(text.len == 0 ||
           (text.data >= (const char *)data && text.data + text.len <= (const char *)data + len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct psv_forwarded_hop hops[PSV_FORWARDED_HOPS_MAX];
    struct psv_field fields[2] = {
        {.name = PSV_BYTES("Forwarded"), .value = {(const char *)data, len}, .id = PSV_FIELD_FORWARDED},
        {.name = PSV_BYTES("X-Forwarded-For"), .value = {(const char *)data, len}, .id = PSV_FIELD_UNKNOWN},
    };
    const struct psv_headers headers = {.items = fields, .len = 2};

    for (unsigned kind = 0; kind < 2; kind++) {
        unsigned count =
            kind == 0 ? psv_forwarded_read(&headers, hops) : psv_x_forwarded_read(&headers, hops);
        ORACLE(count <= PSV_FORWARDED_HOPS_MAX);
        for (unsigned i = 0; i < count; i++) {
            check(hops[i].address, data, len);
            check(hops[i].proto, data, len);
            check(hops[i].host, data, len);
            for (size_t k = 0; k < hops[i].address.len; k++) {
                ORACLE(strchr("0123456789abcdefABCDEF.:", hops[i].address.data[k]) != NULL);
            }
        }
    }
    return 0;
}
