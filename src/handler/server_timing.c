/* See server_timing.h.
 *
 * SPDX-License-Identifier: MIT */
#include "server_timing.h"

#include <stdatomic.h>
#include <string.h>

#include "base/bytes.h"
#include "base/text_parse.h"
#include "exec/job.h"
#include "os/clock.h"

static size_t put(char *out, size_t len, struct psv_bytes text)
{
    memcpy(out + len, text.data, text.len);
    return len + text.len;
}

/* "12.345" */
static size_t put_ms(char *out, size_t len, uint64_t begin_ns, uint64_t end_ns)
{
    uint64_t us = end_ns > begin_ns ? (end_ns - begin_ns) / PSV_NS_PER_US : 0;
    len += psv_format_u64(out + len, us / 1000);
    out[len++] = '.';
    for (uint64_t unit = 100; unit > 0; unit /= 10) {
        out[len++] = (char)('0' + us / unit % 10);
    }
    return len;
}

size_t psv_server_timing_format(const struct psv_job *job, bool is_complete, uint64_t now_ns,
                                char out[PSV_SERVER_TIMING_BYTES])
{
    size_t len = put(out, 0, PSV_BYTES("queue;dur="));

    len = put_ms(out, len, job->queued_ns, job->started_ns);
    len = put(out, len, is_complete ? PSV_BYTES(", php;dur=") : PSV_BYTES(", boot;dur="));
    /* relaxed: stored before the part was posted */
    uint64_t end_ns = is_complete ? atomic_load_explicit(&job->responded_ns, memory_order_relaxed) : now_ns;
    return put_ms(out, len, job->started_ns, end_ns);
}
