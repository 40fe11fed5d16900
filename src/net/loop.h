/* The event loop: libevent plus what a server needs around it: the mailbox, timer queues, a shared read
 * buffer, deferred work and a clock that is read once per batch.  One per loop thread; everything is [loop]
 * unless marked.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/list.h"
#include "net/timer.h"

struct event_base;
struct psv_loop;
struct psv_mailbox;
struct psv_response_part;
struct psv_loop_watch; /* a watched descriptor other than a connection (listener, signals) */

typedef void psv_loop_part_fn(struct psv_response_part *part, void *context);
typedef void psv_loop_watch_fn(int fd, void *context);

/** Work put off to the next turn of the loop, so that one connection cannot hog it.  Embedded; self-linked
 * when idle. */
struct psv_loop_task {
    struct psv_list link;
    void (*run)(struct psv_loop_task *task);
};

/** Bytes of the read buffer that all connections share. */
#define PSV_LOOP_READ_BYTES 65536

struct psv_loop {
    struct event_base *base;
    struct event *tick;
    struct psv_mailbox *mailbox;
    psv_loop_part_fn *on_part;
    void (*on_batch_end)(void *context); /* sockets were read, or tasks run; NULL = nothing to do */
    void *part_context;                  /* of both */
    struct psv_timer_wheel wheel;
    struct psv_list tasks; /* of struct psv_loop_task */
    struct psv_list dead;  /* of struct psv_loop_task: what is freed at the end of the turn */
    struct psv_loop_watch *mailbox_watch;
    uint64_t now_ns;      /* monotonic, of this batch */
    uint64_t now_unix_us; /* wall clock, of this batch */
    bool is_asleep;       /* announced to the mailbox that it may block */
    bool is_stopped;
    _Atomic uint64_t beat; /* turns so far, for the health check of a stuck loop [any] */
    uint64_t date_second;  /* what date_text says */
    char date_text[64];    /* "Date: ...\r\n", renewed once a second */
    size_t date_text_len;
    char *read_buffer; /* PSV_LOOP_READ_BYTES */
};

/** on_part gets every part that workers post.  [boot] */
MUST_CHECK int psv_loop_init(struct psv_loop *loop, struct psv_mailbox *mailbox, psv_loop_part_fn *on_part,
                             void *context, struct psv_error *reterr);
void psv_loop_fini(struct psv_loop *loop);

/** Runs until psv_loop_stop.  [boot], becomes the loop thread */
void psv_loop_run(struct psv_loop *loop);
void psv_loop_stop(struct psv_loop *loop);

/** First call of every event callback: the loop is awake, and it is now. */
void psv_loop_touch(struct psv_loop *loop);

/** Calls fn whenever fd is readable.  NULL when out of memory. */
MUST_CHECK struct psv_loop_watch *psv_loop_watch_new(struct psv_loop *loop, int fd, psv_loop_watch_fn *fn,
                                                     void *context);
void psv_loop_watch_pause(struct psv_loop_watch *watch, bool is_paused);
/** Does not close fd.  Accepts NULL. */
struct psv_loop_watch *psv_loop_watch_free(struct psv_loop_watch *watch);

void psv_loop_defer(struct psv_loop *loop, struct psv_loop_task *task);
/** Runs task at the end of this turn: for freeing what callers up the stack may still look at. */
void psv_loop_bury(struct psv_loop *loop, struct psv_loop_task *task);
static inline void psv_loop_task_cancel(struct psv_loop_task *task)
{
    psv_list_remove(&task->link);
}

/** "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" of this second. */
struct psv_bytes psv_loop_date(struct psv_loop *loop);

/** Version of the event library, for --version.  Static. */
const char *psv_loop_library_version(void);
