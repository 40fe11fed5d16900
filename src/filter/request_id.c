/* The id of one request.  [loop]  The random bytes come from the thread's pool: no system call in most
 * cases.
 *
 * SPDX-License-Identifier: MIT */
#include "request_id.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/random.h"
#include "exec/exchange.h"

/* Shorter ones would not tell requests apart. */
#define ID_LEN_MIN 8

void psv_request_id_assign(struct psv_exchange *exchange)
{
    uint8_t id[16];
    _Static_assert(sizeof(exchange->request_id) > 2 * sizeof(id), "an id is 32 digits and a NUL");
    psv_random_fill(id, sizeof(id));
    psv_hex_encode(exchange->request_id, id, sizeof(id));
    exchange->request_id[2 * sizeof(id)] = '\0';
}

static bool is_id(struct psv_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = psv_ascii_lower(text.data[i]);
        bool is_plain = (byte >= 'a' && byte <= 'z') || psv_ascii_is_digit(byte) || byte == '-' ||
                        byte == '_' || byte == '.';
        if (!is_plain)
            return false;
    }
    return text.len >= ID_LEN_MIN && text.len <= PSV_REQUEST_ID_MAX;
}

void psv_request_id_adopt(struct psv_exchange *exchange)
{
    struct psv_bytes id = psv_headers_value(&exchange->request.headers, PSV_FIELD_X_REQUEST_ID);
    if (!is_id(id))
        return;
    memcpy(exchange->request_id, id.data, id.len);
    exchange->request_id[id.len] = '\0';
}
