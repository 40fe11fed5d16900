/* The log: any thread formats its line into a free slot and pushes it, the log thread writes them in batches.
 * Nobody but the log thread waits for a reader.  Knows no module whose events it writes.
 *
 * SPDX-License-Identifier: MIT */
#include "log.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/ring.h"
#include "log_format.h"
#include "log_sink.h"
#include "log_slots.h"
#include "metrics.h"
#include "os/clock.h"
#include "os/thread.h"

/* One write of 256 short lines costs three quarters of what four writes of 64 do. */
#define BATCH_LINES 256
/* After a write the thread naps, so that a busy server's lines come in batches and wake nobody.  A small ring
 * would overflow meanwhile. */
#define NAP_NS (4 * PSV_NS_PER_MS)
#define NAP_RING_LINES_MIN 2048
#define STOP_TIMEOUT_NS (3 * PSV_NS_PER_S)
#define DROP_REPORT_INTERVAL_NS PSV_NS_PER_S
#define DIRECT_WAIT_MS 100

static struct {
    _Atomic bool is_running;
    _Atomic unsigned writers; /* threads between enter() and leave() */
    _Atomic int min_level;
    _Atomic uint64_t dropped; /* since start */
    _Atomic bool wants_reopen;
    _Atomic uint32_t is_sleeping; /* futex word of the log thread */
    _Atomic uint32_t is_stopping; /* the same, for its naps */

    /* Written by start before is_running; read by all. */
    enum psv_log_format format;
    bool has_colour;
    bool access_has_colour;
    bool has_access;
    struct psv_ring ready;
    struct psv_log_slots slots;
    struct psv_thread thread;

    /* The log thread's. */
    struct psv_log_sink error;
    struct psv_log_sink access;
    bool is_shared; /* both targets are one: lines keep their order */
    uint64_t dropped_reported;
    uint64_t dropped_reported_ns;
} logger = {.min_level = PSV_LOG_INFO};

/* ---- any thread */

enum psv_log_level psv_log_min_level(void)
{
    return (enum psv_log_level)atomic_load_explicit(&logger.min_level, memory_order_relaxed);
}

void psv_log_set_min_level(enum psv_log_level level)
{
    atomic_store_explicit(&logger.min_level, (int)level, memory_order_relaxed);
}

uint64_t psv_log_dropped(void)
{
    return atomic_load_explicit(&logger.dropped, memory_order_relaxed);
}

/* True: the slots stay until leave().  Both sides are sequentially consistent: either stop sees this writer,
 * or the writer sees that the log does not run. */
static bool enter(void)
{
    (void)atomic_fetch_add_explicit(&logger.writers, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&logger.is_running, memory_order_seq_cst)) {
        return true;
    }
    (void)atomic_fetch_sub_explicit(&logger.writers, 1, memory_order_release);
    return false;
}

static void leave(void)
{
    /* release pairs with stop's acquire of the zero: the slots are not touched any more */
    (void)atomic_fetch_sub_explicit(&logger.writers, 1, memory_order_release);
}

static void drop(uint64_t lines)
{
    (void)atomic_fetch_add_explicit(&logger.dropped, lines, memory_order_relaxed);
    psv_metric_add(PSV_METRIC_LOG_DROPPED, (int64_t)lines);
}

/* The caller's work was published before.  The or is a read-modify-write, so it and the thread's exchange are
 * ordered: either this one sees 1 and wakes, or the thread's later look at the ring sees the line. */
static void wake(void)
{
    if (atomic_fetch_or_explicit(&logger.is_sleeping, 0, memory_order_acq_rel) == 1 &&
        atomic_exchange_explicit(&logger.is_sleeping, 0, memory_order_acq_rel) == 1) {
        psv_futex_wake(&logger.is_sleeping, 1);
    }
}

static void push(struct psv_log_slot *slot)
{
    if (psv_ring_push(&logger.ready, slot) != 0) {
        psv_log_slots_give_back(&logger.slots, slot);
        drop(1);
        return;
    }
    wake();
}

static size_t format_event(char *out, size_t room, const struct psv_log_event *event)
{
    switch (logger.format) {
    case PSV_LOG_FORMAT_JSON:
        return psv_log_format_json(out, room, event);
    case PSV_LOG_FORMAT_CADDY:
        return psv_log_format_caddy(out, room, event);
    case PSV_LOG_FORMAT_TEXT:
        break;
    }
    return psv_log_format_text(out, room, event, logger.has_colour);
}

static void write_directly(const struct psv_log_event *event)
{
    char line[PSV_LOG_LINE_BYTES];
    size_t len = psv_log_format_text(line, sizeof(line), event, false);
    if (psv_log_sink_write_now(STDERR_FILENO, line, len, DIRECT_WAIT_MS) != 0) {
        drop(1);
    }
}

void psv_log_write(enum psv_log_level level, const char *event, const struct psv_log_field *fields,
                   size_t fields_len)
{
    struct psv_log_event what = {.level = level,
                                 .name = event,
                                 .fields = fields,
                                 .fields_len = fields_len,
                                 .unix_us = psv_clock_unix_us()};
    if (!enter()) {
        write_directly(&what);
        return;
    }
    struct psv_log_slot *slot = psv_log_slots_take(&logger.slots);
    if (slot != NULL) {
        slot->len = (uint16_t)format_event(slot->text, sizeof(slot->text), &what);
        slot->target = PSV_LOG_TARGET_ERROR;
        push(slot);
    } else {
        drop(1);
    }
    leave();
}

char *psv_log_access_begin(void)
{
    if (!enter()) {
        return NULL;
    }
    struct psv_log_slot *slot = logger.has_access ? psv_log_slots_take(&logger.slots) : NULL;
    if (slot != NULL) {
        return slot->text;
    }
    if (logger.has_access) {
        drop(1);
    }
    leave();
    return NULL;
}

void psv_log_access_end(char *line, size_t len)
{
    struct psv_log_slot *slot = CONTAINER_OF(line, struct psv_log_slot, text);
    INVARIANT(len < sizeof(slot->text));
    if (len > 0) {
        slot->text[len] = '\n';
        slot->len = (uint16_t)(len + 1);
        slot->target = PSV_LOG_TARGET_ACCESS;
        push(slot);
    } else {
        psv_log_slots_give_back(&logger.slots, slot);
    }
    leave();
}

bool psv_log_access_has_colour(void)
{
    return logger.access_has_colour;
}

void psv_log_reopen(void)
{
    if (enter()) {
        atomic_store_explicit(&logger.wants_reopen, true, memory_order_release);
        wake();
        leave();
    }
}

/* ---- the log thread */

/* An event of the thread's own goes straight to the file: it needs no slot. */
static void write_own(enum psv_log_level level, const char *name, const struct psv_log_field *fields,
                      size_t fields_len)
{
    struct psv_log_event event = {.level = level,
                                  .name = name,
                                  .fields = fields,
                                  .fields_len = fields_len,
                                  .unix_us = psv_clock_unix_us()};
    char line[PSV_LOG_LINE_BYTES];
    struct iovec iov = {.iov_base = line, .iov_len = format_event(line, sizeof(line), &event)};
    if (psv_log_sink_write(&logger.error, &iov, 1) != 0) {
        drop(1); /* there is no other place to say it */
    }
}

/* Says how many lines were dropped since the last time it said so, at most once a second unless is_last. */
static void report_dropped(bool is_last)
{
    uint64_t dropped = psv_log_dropped();
    uint64_t now = psv_clock_monotonic_ns();
    if (dropped == logger.dropped_reported || (!is_last && logger.dropped_reported_ns != 0 &&
                                               now - logger.dropped_reported_ns < DROP_REPORT_INTERVAL_NS)) {
        return;
    }
    const struct psv_log_field fields[] = {PSV_LOG_U64("count", dropped - logger.dropped_reported)};
    logger.dropped_reported = dropped;
    logger.dropped_reported_ns = now;
    write_own(PSV_LOG_WARN, "log.dropped", fields, ARRAY_SIZE(fields));
}

static void reopen_files(void)
{
    struct psv_error error;
    struct psv_log_sink *sinks[] = {&logger.error, &logger.access};
    for (size_t i = 0; i < (logger.has_access && !logger.is_shared ? 2 : 1); i++) {
        if (psv_log_sink_reopen(sinks[i], &error) != 0) {
            const struct psv_log_field fields[] = {PSV_LOG_TEXT("reason", error.message)};
            write_own(PSV_LOG_ERROR, "log.reopen_failed", fields, ARRAY_SIZE(fields));
        }
    }
}

struct batch {
    struct iovec iov[BATCH_LINES];
    int count;
};

static void flush(const struct psv_log_sink *sink, struct batch *batch)
{
    if (batch->count > 0 && psv_log_sink_write(sink, batch->iov, batch->count) != 0) {
        drop((uint64_t)batch->count);
    }
    batch->count = 0;
}

/* Writes up to BATCH_LINES lines; returns how many there were. */
static size_t write_batch(void)
{
    struct psv_log_slot *slots[BATCH_LINES];
    struct batch batches[2]; /* large: only the counts are set */
    size_t len = 0;
    batches[PSV_LOG_TARGET_ERROR].count = 0;
    batches[PSV_LOG_TARGET_ACCESS].count = 0;
    while (len < BATCH_LINES && (slots[len] = psv_ring_pop(&logger.ready)) != NULL) {
        struct psv_log_slot *slot = slots[len++];
        struct batch *batch = &batches[logger.is_shared ? PSV_LOG_TARGET_ERROR : slot->target];
        batch->iov[batch->count++] = (struct iovec){.iov_base = slot->text, .iov_len = slot->len};
    }
    flush(&logger.error, &batches[PSV_LOG_TARGET_ERROR]);
    flush(&logger.access, &batches[PSV_LOG_TARGET_ACCESS]);
    psv_log_slots_give_back_all(&logger.slots, slots, len);
    return len;
}

/* Until the next line, a reopen, the stop, or the time to report dropped lines. */
static void sleep_until_woken(void)
{
    /* pairs with wake() */
    (void)atomic_exchange_explicit(&logger.is_sleeping, 1, memory_order_acq_rel);
    if (psv_ring_len(&logger.ready) == 0 &&
        !atomic_load_explicit(&logger.wants_reopen, memory_order_acquire) &&
        atomic_load_explicit(&logger.is_stopping, memory_order_acquire) == 0) {
        bool has_unreported = psv_log_dropped() != logger.dropped_reported;
        uint64_t deadline_ns = has_unreported ? logger.dropped_reported_ns + DROP_REPORT_INTERVAL_NS : 0;
        (void)psv_futex_wait(&logger.is_sleeping, 1, deadline_ns);
    }
    atomic_store_explicit(&logger.is_sleeping, 0, memory_order_relaxed);
}

static void run(void *argument)
{
    (void)argument;
    bool may_nap = logger.slots.count >= NAP_RING_LINES_MIN;
    for (;;) {
        /* Read before the last look at the ring: what was pushed before the stop is written. */
        bool is_stopping = atomic_load_explicit(&logger.is_stopping, memory_order_acquire) != 0;
        if (atomic_exchange_explicit(&logger.wants_reopen, false, memory_order_acq_rel)) {
            reopen_files();
        }
        size_t lines = write_batch();
        if (lines == BATCH_LINES) {
            continue;
        }
        report_dropped(is_stopping && lines == 0);
        if (is_stopping && lines == 0) {
            return;
        }
        if (lines > 0 && may_nap) {
            (void)psv_futex_wait(&logger.is_stopping, 0, psv_clock_monotonic_ns() + NAP_NS);
        } else if (lines == 0) {
            sleep_until_woken();
        }
    }
}

/* ---- start and stop */

static bool wants_colour(const struct psv_log_options *options, int fd)
{
    const char *no_colour = getenv("NO_COLOR");
    bool may_have = no_colour == NULL || no_colour[0] == '\0';
    return options->color == PSV_LOG_COLOR_ALWAYS ||
           (options->color == PSV_LOG_COLOR_AUTO && may_have && isatty(fd) == 1);
}

static void choose_colours(const struct psv_log_options *options)
{
    int access_fd = logger.is_shared ? logger.error.fd : logger.access.fd;
    logger.has_colour = options->format == PSV_LOG_FORMAT_TEXT && wants_colour(options, logger.error.fd);
    logger.access_has_colour = logger.has_access && wants_colour(options, access_fd);
}

static int open_sinks(const struct psv_log_options *options, struct psv_error *reterr)
{
    logger.has_access = options->access_path != NULL;
    logger.is_shared = logger.has_access &&
                       psv_bytes_equal(psv_bytes_of(options->access_path), psv_bytes_of(options->error_path));
    int result = psv_log_sink_open(&logger.error, options->error_path, reterr);
    if (result == 0 && logger.has_access && !logger.is_shared) {
        result = psv_log_sink_open(&logger.access, options->access_path, reterr);
    }
    return result;
}

static void free_all(void)
{
    psv_log_sink_close(&logger.error);
    psv_log_sink_close(&logger.access);
    psv_ring_fini(&logger.ready);
    psv_log_slots_fini(&logger.slots);
}

static int start_thread(struct psv_error *reterr)
{
    struct psv_thread_options options = {.name = "log", .stack_bytes = 256 * 1024, .function = run};
    return psv_thread_start(&logger.thread, &options, reterr);
}

int psv_log_start(const struct psv_log_options *options, struct psv_error *reterr)
{
    if (logger.slots.slots != NULL) {
        return psv_error_set(reterr, PSV_EEXIST, "the log is running already");
    }
    atomic_store_explicit(&logger.dropped, 0, memory_order_relaxed);
    atomic_store_explicit(&logger.is_sleeping, 0, memory_order_relaxed);
    atomic_store_explicit(&logger.is_stopping, 0, memory_order_relaxed);
    atomic_store_explicit(&logger.wants_reopen, false, memory_order_relaxed);
    logger.dropped_reported = 0;
    logger.dropped_reported_ns = 0;
    logger.format = options->format;
    logger.error.fd = -1;
    logger.access.fd = -1;
    int result = open_sinks(options, reterr);
    if (result == 0) {
        choose_colours(options);
        result = psv_log_slots_init(&logger.slots, options->ring_lines);
        if (result == 0) {
            result = psv_ring_init(&logger.ready, options->ring_lines);
        }
        if (result != 0) {
            (void)psv_error_set(reterr, result, "no memory for %zu log lines", options->ring_lines);
        }
    }
    if (result == 0) {
        result = start_thread(reterr);
    }
    if (result != 0) {
        free_all();
        return result;
    }
    psv_log_set_min_level(options->min_level);
    atomic_store_explicit(&logger.is_running, true, memory_order_seq_cst);
    return 0;
}

void psv_log_stop(void)
{
    if (!atomic_exchange_explicit(&logger.is_running, false, memory_order_seq_cst)) {
        return;
    }
    /* Nobody waits between enter and leave: this is over in a moment. */
    while (atomic_load_explicit(&logger.writers, memory_order_seq_cst) != 0) {
        sched_yield();
    }
    atomic_store_explicit(&logger.is_stopping, 1, memory_order_release);
    psv_futex_wake(&logger.is_stopping, 1);
    wake();
    if (psv_thread_join(&logger.thread, psv_clock_monotonic_ns() + STOP_TIMEOUT_NS) != 0) {
        /* It hangs in a write that nobody reads: its slots and files stay for the rest of the process's life.
         */
        psv_thread_abandon(&logger.thread);
        return;
    }
    free_all();
}
