/* The id of one request.  [loop]  The random bytes come from the thread's pool: no system call in most
 * cases.
 *
 * SPDX-License-Identifier: MIT */
#include "request_id.h"

#include <stdint.h>

#include "base/random.h"
#include "exec/exchange.h"

void psv_request_id_assign(struct psv_exchange *exchange)
{
    uint8_t id[16];
    _Static_assert(sizeof(exchange->request_id) == 2 * sizeof(id) + 1, "an id is 32 digits and a NUL");
    psv_random_fill(id, sizeof(id));
    psv_hex_encode(exchange->request_id, id, sizeof(id));
    exchange->request_id[2 * sizeof(id)] = '\0';
}
