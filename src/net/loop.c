/* The event loop around libevent: see loop.h.  Knows nothing of HTTP but the text of the Date field.
 *
 * SPDX-License-Identifier: MIT */
#include "loop.h"

#include <event2/event.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>

#include "base/assert.h"
#include "base/memory.h"
#include "exec/mailbox.h"
#include "http/date.h"
#include "os/clock.h"

struct psv_loop_watch {
    struct psv_loop *loop;
    struct event *event;
    psv_loop_watch_fn *fn;
    void *context;
};

static void refresh_clock(struct psv_loop *loop)
{
    loop->now_ns = psv_clock_monotonic_ns();
    loop->now_unix_us = psv_clock_unix_us();
}

void psv_loop_touch(struct psv_loop *loop)
{
    if (!loop->is_asleep) {
        return;
    }
    loop->is_asleep = false;
    psv_mailbox_awake(loop->mailbox);
    refresh_clock(loop);
}

static void on_tick(evutil_socket_t fd, short events, void *context)
{
    struct psv_loop *loop = context;

    (void)fd;
    (void)events;
    psv_loop_touch(loop);
    psv_timer_wheel_run(&loop->wheel, loop->now_ns);
}

static void set_tick(void *context, uint64_t at_ns)
{
    struct psv_loop *loop = context;
    uint64_t wait_us = at_ns > loop->now_ns ? (at_ns - loop->now_ns) / 1000 + 1 : 1;
    struct timeval wait = {.tv_sec = (time_t)(wait_us / 1000000),
                           .tv_usec = (suseconds_t)(wait_us % 1000000)};

    (void)event_add(loop->tick,
                    &wait); /* fails only without memory for the heap: the next start tries again */
}

static void on_mailbox_readable(int fd, void *context)
{
    struct psv_loop *loop = context;

    (void)fd;
    psv_notifier_clear(&loop->mailbox->notifier); /* the parts are drained at the end of the turn */
}

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config == NULL) {
        return NULL;
    }
    /* One thread owns the base.  No change list: it would defer the removal of a closed descriptor until its
     * number may be a worker's file. */
    if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_NO_CACHE_TIME) == 0) {
        base = event_base_new_with_config(config);
    }
    event_config_free(config);
    return base;
}

static void run_dead(struct psv_loop *loop)
{
    struct psv_list *node;

    while ((node = psv_list_first(&loop->dead)) != NULL) {
        struct psv_loop_task *task = PSV_LIST_ENTRY(node, struct psv_loop_task, link);
        psv_list_remove(node);
        task->run(task);
    }
}

int psv_loop_init(struct psv_loop *loop, struct psv_mailbox *mailbox, psv_loop_part_fn *on_part,
                  void *context, struct psv_error *reterr)
{
    memset(loop, 0, sizeof(*loop));
    loop->mailbox = mailbox;
    loop->on_part = on_part;
    loop->part_context = context;
    psv_list_init(&loop->tasks);
    psv_list_init(&loop->dead);
    psv_timer_wheel_init(&loop->wheel, set_tick, loop);
    refresh_clock(loop);

    loop->read_buffer = psv_malloc(PSV_LOOP_READ_BYTES);
    loop->base = new_base();
    if (loop->read_buffer == NULL || loop->base == NULL) {
        goto fail;
    }
    loop->tick = evtimer_new(loop->base, on_tick, loop);
    loop->mailbox_watch = psv_loop_watch_new(loop, mailbox->notifier.fd, on_mailbox_readable, loop);
    if (loop->tick == NULL || loop->mailbox_watch == NULL) {
        goto fail;
    }
    return PSV_OK;
fail:
    psv_loop_fini(loop);
    return psv_error_set(reterr, PSV_ENOMEM, "cannot create the event loop: out of memory or descriptors");
}

void psv_loop_fini(struct psv_loop *loop)
{
    run_dead(loop);
    loop->mailbox_watch = psv_loop_watch_free(loop->mailbox_watch);
    if (loop->tick != NULL) {
        event_free(loop->tick);
    }
    if (loop->base != NULL) {
        event_base_free(loop->base);
    }
    loop->tick = NULL;
    loop->base = NULL;
    loop->read_buffer = psv_free(loop->read_buffer);
}

static void run_tasks(struct psv_loop *loop)
{
    struct psv_list batch;
    struct psv_list *node;

    /* tasks that are deferred again while these run wait for the next turn */
    psv_list_init(&batch);
    while ((node = psv_list_first(&loop->tasks)) != NULL) {
        psv_list_remove(node);
        psv_list_append(&batch, node);
    }
    while ((node = psv_list_first(&batch)) != NULL) {
        struct psv_loop_task *task = PSV_LIST_ENTRY(node, struct psv_loop_task, link);
        psv_list_remove(node);
        task->run(task);
    }
}

static void drain_mailbox(struct psv_loop *loop)
{
    struct psv_response_part *part;

    /* bounded per turn, so that a flood of responses cannot starve the sockets */
    for (unsigned i = 0; i < 1024 && (part = psv_mailbox_take(loop->mailbox)) != NULL; i++) {
        loop->on_part(part, loop->part_context);
    }
}

static void end_batch(struct psv_loop *loop)
{
    if (loop->on_batch_end != NULL) {
        loop->on_batch_end(loop->part_context);
    }
}

void psv_loop_run(struct psv_loop *loop)
{
    while (!loop->is_stopped) {
        bool may_block = psv_list_is_empty(&loop->tasks) && psv_mailbox_prepare_sleep(loop->mailbox);

        loop->is_asleep = may_block;
        int result = event_base_loop(loop->base, EVLOOP_ONCE | (may_block ? 0 : EVLOOP_NONBLOCK));
        INVARIANT(result == 0); /* the mailbox's event is always there */
        if (may_block) {
            psv_loop_touch(loop);
        } else {
            psv_mailbox_awake(loop->mailbox);
            refresh_clock(loop);
        }
        if (UNLIKELY(loop->wheel.next_tick_ns <= loop->now_ns)) {
            /* libevent's clock is coarse (4 ms with 250 ticks a second): a loop that turns anyway is exact */
            psv_timer_wheel_run(&loop->wheel, loop->now_ns);
        }
        end_batch(loop); /* workers begin while the loop writes responses */
        drain_mailbox(loop);
        run_tasks(loop);
        end_batch(loop);
        run_dead(loop);
        atomic_fetch_add_explicit(&loop->beat, 1, memory_order_relaxed); /* a heartbeat orders nothing */
    }
}

void psv_loop_stop(struct psv_loop *loop)
{
    loop->is_stopped = true;
}

static void on_watch(evutil_socket_t fd, short events, void *context)
{
    struct psv_loop_watch *watch = context;

    (void)events;
    psv_loop_touch(watch->loop);
    watch->fn(fd, watch->context);
}

struct psv_loop_watch *psv_loop_watch_new(struct psv_loop *loop, int fd, psv_loop_watch_fn *fn, void *context)
{
    struct psv_loop_watch *watch = psv_calloc(1, sizeof(*watch));

    if (watch == NULL) {
        return NULL;
    }
    watch->loop = loop;
    watch->fn = fn;
    watch->context = context;
    watch->event = event_new(loop->base, fd, EV_READ | EV_PERSIST, on_watch, watch);
    if (watch->event == NULL || event_add(watch->event, NULL) != 0) {
        return psv_loop_watch_free(watch);
    }
    return watch;
}

void psv_loop_watch_pause(struct psv_loop_watch *watch, bool is_paused)
{
    if (is_paused) {
        (void)event_del(watch->event);
    } else {
        (void)event_add(watch->event, NULL);
    }
}

struct psv_loop_watch *psv_loop_watch_free(struct psv_loop_watch *watch)
{
    if (watch != NULL) {
        if (watch->event != NULL) {
            event_free(watch->event);
        }
        psv_free(watch);
    }
    return NULL;
}

void psv_loop_defer(struct psv_loop *loop, struct psv_loop_task *task)
{
    psv_list_remove(&task->link);
    psv_list_append(&loop->tasks, &task->link);
}

void psv_loop_bury(struct psv_loop *loop, struct psv_loop_task *task)
{
    psv_list_append(&loop->dead, &task->link);
}

struct psv_bytes psv_loop_date(struct psv_loop *loop)
{
    uint64_t second = loop->now_unix_us / 1000000;

    if (second != loop->date_second) {
        char *out = loop->date_text;
        memcpy(out, "Date: ", 6);
        psv_date_format_imf(out + 6, (int64_t)second);
        memcpy(out + 6 + PSV_DATE_IMF_LEN, "\r\n", 2);
        loop->date_text_len = 6 + PSV_DATE_IMF_LEN + 2;
        loop->date_second = second;
    }
    return (struct psv_bytes){loop->date_text, loop->date_text_len};
}

const char *psv_loop_library_version(void)
{
    return event_get_version();
}
