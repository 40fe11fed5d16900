/* Timer queues of fixed duration; see timer.h.  Knows no event library: the loop lends it a clock tick.
 *
 * SPDX-License-Identifier: MIT */
#include "timer.h"

/* Ticks are not set finer than this, or an eighth of the duration, unless a queue's owner wants it: a timeout
 * that is 10 ms late hurts nobody, a tick per request would. */
#define TICK_SLACK_NS 10000000u

void psv_timer_wheel_init(struct psv_timer_wheel *wheel, void (*set_tick)(void *context, uint64_t at_ns),
                          void *context)
{
    psv_list_init(&wheel->queues);
    wheel->next_tick_ns = UINT64_MAX;
    wheel->set_tick = set_tick;
    wheel->context = context;
}

void psv_timer_queue_init(struct psv_timer_queue *queue, struct psv_timer_wheel *wheel, uint64_t duration_ns,
                          psv_timer_fn *on_expire, void *context)
{
    psv_list_init(&queue->timers);
    queue->duration_ns = duration_ns;
    queue->slack_ns = MIN(TICK_SLACK_NS, duration_ns / 8);
    queue->on_expire = on_expire;
    queue->context = context;
    queue->wheel = wheel;
    psv_list_append(&wheel->queues, &queue->link);
}

/* When the clock has to ring for a timer of this queue. */
static uint64_t ring_at(const struct psv_timer_queue *queue, const struct psv_timer *timer)
{
    return timer->deadline_ns + queue->slack_ns;
}

static void want_tick(struct psv_timer_wheel *wheel, uint64_t at_ns)
{
    if (wheel->next_tick_ns <= at_ns) {
        return; /* the clock rings early enough; never move it back, or a stream of starts would postpone it
                   for ever */
    }
    wheel->next_tick_ns = at_ns;
    wheel->set_tick(wheel->context, at_ns);
}

void psv_timer_start(struct psv_timer_queue *queue, struct psv_timer *timer, uint64_t now_ns)
{
    psv_list_remove(&timer->link);
    if (queue->duration_ns == 0) {
        return;
    }
    timer->deadline_ns = now_ns + queue->duration_ns;
    psv_list_append(&queue->timers, &timer->link);
    want_tick(queue->wheel, ring_at(queue, timer));
}

/* Expires one queue; returns when the clock has to ring for its first remaining timer. */
static uint64_t run_queue(struct psv_timer_queue *queue, uint64_t now_ns)
{
    struct psv_list *node;

    while ((node = psv_list_first(&queue->timers)) != NULL) {
        struct psv_timer *timer = PSV_LIST_ENTRY(node, struct psv_timer, link);
        if (timer->deadline_ns > now_ns) {
            return ring_at(queue, timer);
        }
        psv_timer_stop(timer);
        queue->on_expire(timer, queue->context);
    }
    return UINT64_MAX;
}

void psv_timer_wheel_run(struct psv_timer_wheel *wheel, uint64_t now_ns)
{
    uint64_t first_ns = UINT64_MAX;

    wheel->next_tick_ns = UINT64_MAX;
    PSV_LIST_FOR_EACH(node, &wheel->queues)
    {
        uint64_t ring_ns = run_queue(PSV_LIST_ENTRY(node, struct psv_timer_queue, link), now_ns);
        first_ns = MIN(first_ns, ring_ns);
    }
    if (first_ns != UINT64_MAX) {
        want_tick(wheel, first_ns);
    }
}
