/* Where the time of one exchange went.  [loop]
 *
 *   first byte of the request -- read --> request complete -- queue --> worker -- php --> response complete
 *                                                  first byte of the response -- send --> last byte written
 *
 * A streamed response is sent while the script runs: php and send overlap then.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct psv_exchange;

/** What is not known has its flag false: no worker took part, or it may still be at work. */
struct psv_exchange_times {
    bool has_read;
    bool has_queue;
    bool has_php;
    bool has_send;
    uint64_t read_ns;
    uint64_t queue_ns; /* of a request that waits in vain: until its end */
    uint64_t php_ns;   /* until the response was complete; the script may have gone on */
    uint64_t send_ns;
    uint64_t total_ns;
};

/** now_ns: the end of the exchange, monotonic. */
void psv_exchange_times_get(const struct psv_exchange *exchange, uint64_t now_ns,
                            struct psv_exchange_times *ret);
