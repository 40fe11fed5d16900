/* The eventfd behind a wake-up.  Protocol: see notifier.h.
 *
 * SPDX-License-Identifier: MIT */
#include "notifier.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/error.h"
#include "fd.h"

int psv_notifier_init(struct psv_notifier *notifier)
{
    atomic_init(&notifier->is_pending, false);
    notifier->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (notifier->fd >= 0)
        return 0;
    int error = psv_error_of_errno(errno);
    notifier->fd = -1;
    return error;
}

void psv_notifier_fini(struct psv_notifier *notifier)
{
    notifier->fd = psv_fd_close(notifier->fd);
}

void psv_notifier_notify(struct psv_notifier *notifier)
{
    /* acq_rel: the release half puts the caller's work before the flag and pairs with the acquire of the
     * exchange in clear; the acquire half keeps the write below after it. */
    if (atomic_exchange_explicit(&notifier->is_pending, true, memory_order_acq_rel))
        return;
    int saved = errno;
    uint64_t one = 1;
    while (write(notifier->fd, &one, sizeof(one)) < 0) {
        if (errno == EAGAIN)
            break; /* the counter is at its end: readable for sure */
        INVARIANT(errno == EINTR);
    }
    errno = saved;
}

void psv_notifier_clear(struct psv_notifier *notifier)
{
    uint64_t count;
    while (read(notifier->fd, &count, sizeof(count)) < 0) {
        if (errno == EAGAIN)
            break;
        INVARIANT(errno == EINTR);
    }
    /* An exchange, not a store: it reads the waker's `true` and so acquires the work published before it,
     * also that of the wakers that found the flag set.  Only then may the caller look. */
    (void)atomic_exchange_explicit(&notifier->is_pending, false, memory_order_acq_rel);
}
