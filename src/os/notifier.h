/* Wakes a thread that sleeps in poll, from any other thread: an eventfd that is written only when no wake-up
 * is under way. Carries no data: what is to be done lies elsewhere (a ring, a flag), and is published before
 * the notify.
 *
 * No wake-up is lost, because each side does its two steps in the opposite order:
 *    waker:   1. publish the work   2. psv_notifier_notify (is_pending false -> true: write the eventfd)
 *    sleeper: 1. psv_notifier_clear (read the eventfd, then is_pending = false)   2. look for work until
 * there is none A waker that finds is_pending already true leaves the writing to the one who set it; its work
 * was published before, so the sleeper, which clears first and looks second, finds it.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "base/macros.h"

struct psv_notifier {
    int fd; /* to poll for readability; -1 before init and after fini */
    _Atomic bool is_pending;
};

/** 0, PSV_ELIMIT (out of descriptors), PSV_ENOMEM.  [boot] */
MUST_CHECK int psv_notifier_init(struct psv_notifier *notifier);
/** Nobody may notify any more.  Harmless when init failed or fini was called already.  [boot] */
void psv_notifier_fini(struct psv_notifier *notifier);

/** Makes fd readable; costs one atomic exchange when it is so already.  Never blocks, async-signal-safe.
 * [any] */
void psv_notifier_notify(struct psv_notifier *notifier);

/** Makes fd unreadable again.  Call it before looking for work, never after.  One sleeping thread only.
 * [loop] */
void psv_notifier_clear(struct psv_notifier *notifier);
