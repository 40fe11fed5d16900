/* Timers of fixed duration: one queue per duration, so that starting, restarting and stopping are O(1) and
 * the queue is always in order.  One clock tick serves all queues.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct psv_timer;
/** The timer is stopped already; the callback may start it again or free it. */
typedef void psv_timer_fn(struct psv_timer *timer, void *context);

struct psv_timer {
    struct psv_list link; /* self-linked while stopped */
    uint64_t deadline_ns;
};

struct psv_timer_queue {
    struct psv_list timers; /* soonest first */
    struct psv_list link;   /* in the wheel */
    uint64_t duration_ns;   /* 0: timers of this queue never expire */
    uint64_t slack_ns;      /* a timer may be so late; set by init, may be lowered before the first start */
    psv_timer_fn *on_expire;
    void *context;
    struct psv_timer_wheel *wheel;
};

/** All queues of one loop. */
struct psv_timer_wheel {
    struct psv_list queues;
    uint64_t next_tick_ns;                           /* when the clock is set to ring; UINT64_MAX = not set */
    void (*set_tick)(void *context, uint64_t at_ns); /* asks the loop for a call of psv_timer_wheel_run */
    void *context;
};

void psv_timer_wheel_init(struct psv_timer_wheel *wheel, void (*set_tick)(void *context, uint64_t at_ns),
                          void *context);
void psv_timer_queue_init(struct psv_timer_queue *queue, struct psv_timer_wheel *wheel, uint64_t duration_ns,
                          psv_timer_fn *on_expire, void *context);
/** Expires what is due and asks for the next tick. */
void psv_timer_wheel_run(struct psv_timer_wheel *wheel, uint64_t now_ns);

static inline void psv_timer_init(struct psv_timer *timer)
{
    psv_list_init(&timer->link);
    timer->deadline_ns = 0;
}
static inline bool psv_timer_is_running(const struct psv_timer *timer)
{
    return !psv_list_is_empty(&timer->link);
}
/** Starts or restarts: due in queue's duration from now_ns.  A timer is in one queue at a time. */
void psv_timer_start(struct psv_timer_queue *queue, struct psv_timer *timer, uint64_t now_ns);
static inline void psv_timer_stop(struct psv_timer *timer)
{
    psv_list_remove(&timer->link);
}
