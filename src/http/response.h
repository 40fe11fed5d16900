/* The head of a response before a codec frames it.  Connection-specific fields are the codec's: they are
 * never here.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "http/headers.h"

struct psv_response {
    unsigned status; /* 200..599 (informational ones do not use this struct) */
    int64_t
        content_length; /* length of the representation (also for HEAD and 304); -1 = not known in advance */
    struct psv_headers headers;     /* without Content-Length, Transfer-Encoding, Connection, Date and Server
                                       unless the application set Date or Server itself */
    struct psv_bytes server_timing; /* a field line of the server's own beside the application's; empty: none.
                                       Needed until the codec's respond has returned */
};
