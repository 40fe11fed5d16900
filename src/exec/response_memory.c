/* The account of waiting response bodies; see response_memory.h.
 *
 * SPDX-License-Identifier: MIT */
#include "response_memory.h"

#include <stdatomic.h>

#include "base/error.h"
#include "observe/metrics.h"
#include "os/fd.h"

/* Beyond the limit heap memory is for small bodies only. */
#define TIGHT_HEAP_BYTES ((size_t)16 * 1024)

static struct {
    uint64_t max_bytes;
    const char *folder; /* NULL: none */
    _Atomic uint64_t held_bytes;
} account = {.max_bytes = UINT64_MAX};

int psv_response_memory_init(uint64_t max_bytes, const char *folder)
{
    account.max_bytes = max_bytes;
    account.folder = NULL;
    if (folder[0] == '\0') {
        return PSV_OK;
    }
    int fd = psv_fd_open_unlinked(folder);
    if (fd < 0) {
        return PSV_EIO;
    }
    (void)psv_fd_close(fd);
    account.folder = folder;
    return PSV_OK;
}

/* A little late or early does no harm: relaxed everywhere. */
static bool is_tight(void)
{
    return atomic_load_explicit(&account.held_bytes, memory_order_relaxed) > account.max_bytes;
}

void psv_response_memory_hold(uint64_t bytes)
{
    if (bytes > 0) {
        atomic_fetch_add_explicit(&account.held_bytes, bytes, memory_order_relaxed);
        psv_metric_add(PSV_METRIC_RESPONSE_HELD_BYTES, (int64_t)bytes);
    }
}

void psv_response_memory_release(uint64_t bytes)
{
    if (bytes > 0) {
        atomic_fetch_sub_explicit(&account.held_bytes, bytes, memory_order_relaxed);
        psv_metric_add(PSV_METRIC_RESPONSE_HELD_BYTES, -(int64_t)bytes);
    }
}

size_t psv_response_memory_threshold(size_t usual)
{
    return account.folder != NULL && is_tight() ? MIN(usual, TIGHT_HEAP_BYTES) : usual;
}

int psv_response_memory_open(void)
{
    if (account.folder != NULL && is_tight()) {
        int fd = psv_fd_open_unlinked(account.folder);
        if (fd >= 0) {
            psv_metric_inc(PSV_METRIC_RESPONSE_SPILLED);
            return fd;
        }
    }
    return psv_fd_open_memory("phpsrv-response");
}
