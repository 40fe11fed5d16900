/* The mailbox; see mailbox.h.  Workers post, one loop takes.  Knows nothing of what a part is.
 *
 * No part is left lying while the loop sleeps: the loop sets loop_may_sleep, then looks at the ring; a worker
 * pushes, then looks at loop_may_sleep.  Every access to that word is a read-modify-write with acquire and
 * release, so one of the two comes second in its order and sees what the other did before: either the worker
 * notifies, or the loop does not block.
 *
 * SPDX-License-Identifier: MIT */
#include "mailbox.h"

#include <sched.h>

#include "base/error.h"
#include "os/clock.h"
#include "os/thread.h"

#define YIELDS_BEFORE_SLEEP 64
#define FULL_SLEEP_NS (UINT64_C(100) * PSV_NS_PER_US)

int psv_mailbox_init(struct psv_mailbox *mailbox, size_t capacity)
{
    int code = psv_ring_init(&mailbox->ring, capacity);

    mailbox->notifier.fd = -1;
    atomic_init(&mailbox->loop_may_sleep, 0);
    if (code != PSV_OK) {
        mailbox->ring.slots = NULL;
        return code;
    }
    code = psv_notifier_init(&mailbox->notifier);
    if (code != PSV_OK) {
        psv_ring_fini(&mailbox->ring);
    }
    return code;
}

void psv_mailbox_fini(struct psv_mailbox *mailbox)
{
    psv_ring_fini(&mailbox->ring);
    psv_notifier_fini(&mailbox->notifier);
}

/* The ring holds several parts for every worker: getting here means that the loop does not run.  It was told
 * already by those who filled the ring. */
static void wait_for_room(unsigned tries)
{
    if (tries < YIELDS_BEFORE_SLEEP) {
        sched_yield();
        return;
    }
    _Atomic uint32_t never_changes = 0;
    (void)psv_futex_wait(&never_changes, 0, psv_clock_monotonic_ns() + FULL_SLEEP_NS);
}

void psv_mailbox_post(struct psv_mailbox *mailbox, struct psv_response_part *part)
{
    unsigned tries = 0;

    while (psv_ring_push(&mailbox->ring, part) != PSV_OK) {
        wait_for_room(tries++);
    }
    /* part belongs to the loop from here on.  The addition of nothing takes its place in the word's order. */
    if (atomic_fetch_add_explicit(&mailbox->loop_may_sleep, 0, memory_order_acq_rel) != 0) {
        psv_notifier_notify(&mailbox->notifier);
    }
}

struct psv_response_part *psv_mailbox_take(struct psv_mailbox *mailbox)
{
    return psv_ring_pop(&mailbox->ring);
}

bool psv_mailbox_prepare_sleep(struct psv_mailbox *mailbox)
{
    atomic_exchange_explicit(&mailbox->loop_may_sleep, 1, memory_order_acq_rel);
    if (psv_ring_len(&mailbox->ring) == 0) {
        return true;
    }
    psv_mailbox_awake(mailbox);
    return false;
}

void psv_mailbox_awake(struct psv_mailbox *mailbox)
{
    /* an exchange, not a store: it keeps the chain of read-modify-writes whole */
    atomic_exchange_explicit(&mailbox->loop_may_sleep, 0, memory_order_acq_rel);
}
