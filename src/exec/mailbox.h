/* The loop's mailbox: bounded ring of response parts from the workers, and one notifier that is only written
 * when the loop may sleep.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ring.h"
#include "os/notifier.h"

struct psv_response_part;

struct psv_mailbox {
    struct psv_ring ring;
    struct psv_notifier notifier; /* readable when there is something to drain */
    _Alignas(CACHE_LINE_BYTES) _Atomic uint32_t loop_may_sleep; /* 0 or 1; see mailbox.c */
};

/** 0, PSV_ENOMEM, PSV_ELIMIT (out of descriptors).  [boot] */
MUST_CHECK int psv_mailbox_init(struct psv_mailbox *mailbox, size_t capacity);
/** Harmless after a failed init.  Parts inside are the caller's affair.  [boot] */
void psv_mailbox_fini(struct psv_mailbox *mailbox);
/** Takes part.  Waits (yielding) in the rare case that the loop is a whole ring behind.  [worker] */
void psv_mailbox_post(struct psv_mailbox *mailbox, struct psv_response_part *part);
/** The oldest part or NULL.  [loop] */
struct psv_response_part *psv_mailbox_take(struct psv_mailbox *mailbox);

/** Before the loop blocks: announces it.  Returns false when there are parts already: then do not block.
 * [loop] */
bool psv_mailbox_prepare_sleep(struct psv_mailbox *mailbox);
/** After the loop woke, before it takes parts: posts need no notifier any more.  [loop] */
void psv_mailbox_awake(struct psv_mailbox *mailbox);
