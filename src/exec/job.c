/* Jobs, and what a runtime may do with one (phpsrv/message.h): thin delegations to body and sink.
 * Made by the loop, run by one worker; state and is_gone are all that both touch at once.
 *
 * SPDX-License-Identifier: MIT */
#include "job.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "exec/informational.h"
#include "exec/request_body.h"
#include "os/clock.h"

struct psv_job *psv_job_new(struct psv_arena *arena, struct psv_request_body *body)
{
    struct psv_job *job = psv_arena_calloc(arena, sizeof(*job));

    if (job == NULL) {
        return NULL;
    }
    job->magic = PSV_JOB_MAGIC;
    job->body = body;
    job->arena = arena;
    atomic_init(&job->state, PSV_JOB_QUEUED);
    return job;
}

bool psv_job_try_start(struct psv_job *job)
{
    int state = PSV_JOB_QUEUED;

    /* release publishes worker_plus_1 to the loop that finds RUNNING; acquire: a cancelling loop's writes
     * come first */
    return atomic_compare_exchange_strong_explicit(&job->state, &state, PSV_JOB_RUNNING, memory_order_acq_rel,
                                                   memory_order_acquire);
}

bool psv_job_try_cancel(struct psv_job *job)
{
    int state = PSV_JOB_QUEUED;

    CHECK_MAGIC(job, PSV_JOB_MAGIC);
    /* pairs with try_start: exactly one of the two wins */
    return atomic_compare_exchange_strong_explicit(&job->state, &state, PSV_JOB_CANCELLED,
                                                   memory_order_acq_rel, memory_order_acquire);
}

void psv_job_set_gone(struct psv_job *job)
{
    CHECK_MAGIC(job, PSV_JOB_MAGIC);
    /* relaxed: it carries no data; the wake-up that follows orders it for a waiting flush */
    atomic_store_explicit(&job->is_gone, true, memory_order_relaxed);
    psv_sink_wake(&job->sink);
}

const struct psv_message *psv_job_message(const struct psv_job *job)
{
    return &job->message;
}

size_t psv_job_body_read(struct psv_job *job, void *out, size_t len)
{
    return psv_request_body_read(job->body, out, len);
}

struct psv_bytes psv_job_body_rest(struct psv_job *job)
{
    return psv_request_body_rest(job->body);
}

void psv_job_body_rewind(struct psv_job *job)
{
    psv_request_body_rewind(job->body);
}

/* Server-sent events (WHATWG HTML 9.2): the response is meant to last. */
static bool is_event_stream(const struct psv_response_sink *sink)
{
    const struct psv_bytes name = PSV_BYTES("text/event-stream");

    for (unsigned i = 0; i < sink->fields_len; i++) {
        if (sink->fields[i].id == PSV_FIELD_CONTENT_TYPE) {
            struct psv_bytes value = sink->fields[i].value;
            return psv_bytes_equal_case(psv_bytes_first(value, name.len), name) &&
                   (value.len == name.len || value.data[name.len] == ';' || value.data[name.len] == ' ');
        }
    }
    return false;
}

static void set_deadline(struct psv_job *job, uint64_t timeout_ms)
{
    uint64_t now_ns = psv_clock_monotonic_ns();
    uint64_t timeout_ns;
    uint64_t deadline_ns;

    if (__builtin_mul_overflow(timeout_ms, PSV_NS_PER_MS, &timeout_ns) ||
        __builtin_add_overflow(now_ns, timeout_ns, &deadline_ns)) {
        deadline_ns = UINT64_MAX;
    }
    /* relaxed: the loop reads it when the old deadline comes, being a little late is harmless */
    atomic_store_explicit(&job->deadline_ns, deadline_ns, memory_order_relaxed);
}

int psv_job_discard(struct psv_job *job)
{
    return psv_sink_discard(&job->sink);
}

int psv_job_respond(struct psv_job *job, unsigned status, const struct psv_field *fields, unsigned fields_len)
{
    int code = psv_sink_respond(&job->sink, status, fields, fields_len);

    if (code == PSV_OK && is_event_stream(&job->sink)) {
        if (job->stream_timeout_ms > 0) {
            set_deadline(job, job->stream_timeout_ms);
        } else {
            /* relaxed: as in set_deadline */
            atomic_store_explicit(&job->deadline_ns, 0, memory_order_relaxed);
        }
    }
    return code;
}

int psv_job_inform(struct psv_job *job, unsigned status, const struct psv_field *fields, unsigned fields_len)
{
    return psv_sink_inform(&job->sink, status, fields, fields_len);
}

bool psv_job_has_responded(const struct psv_job *job)
{
    return job->sink.has_head;
}

int psv_job_write(struct psv_job *job, const void *data, size_t len)
{
    return psv_sink_write(&job->sink, data, len);
}

int psv_job_flush(struct psv_job *job)
{
    return psv_sink_flush(&job->sink);
}

void psv_job_note_responded(struct psv_job *job, uint64_t now_ns)
{
    if (atomic_load_explicit(&job->responded_ns, memory_order_relaxed) == 0) {
        if (job->wants_usage) {
            job->cpu_ns = psv_clock_thread_cpu_ns() - job->cpu_started_ns;
        }
        atomic_store_explicit(&job->responded_ns, now_ns, memory_order_relaxed);
    }
}

void psv_job_finish(struct psv_job *job)
{
    psv_job_note_responded(job, psv_clock_monotonic_ns());
    psv_sink_finish(&job->sink, false);
}

void psv_job_fail(struct psv_job *job)
{
    psv_job_note_responded(job, psv_clock_monotonic_ns());
    psv_sink_finish(&job->sink, true);
}

bool psv_job_wants_usage(const struct psv_job *job)
{
    return job->wants_usage;
}

void psv_job_note_memory(struct psv_job *job, uint64_t peak_bytes)
{
    /* relaxed: this thread's own.  Once the response is complete, the loop may read */
    if (atomic_load_explicit(&job->responded_ns, memory_order_relaxed) == 0) {
        job->memory_peak_bytes = MAX(job->memory_peak_bytes, peak_bytes);
    }
}

bool psv_job_is_gone(const struct psv_job *job)
{
    return atomic_load_explicit(&job->is_gone, memory_order_relaxed); /* carries no data */
}

bool psv_job_is_overdue(const struct psv_job *job)
{
    /* relaxed: the queue published the loop's value, later ones are this thread's own */
    uint64_t deadline_ns = atomic_load_explicit(&job->deadline_ns, memory_order_relaxed);

    return deadline_ns != 0 && psv_clock_monotonic_ns() >= deadline_ns;
}

void psv_job_extend_deadline(struct psv_job *job, uint64_t timeout_ms)
{
    /* relaxed: this thread's own, or published by the queue */
    if (atomic_load_explicit(&job->deadline_ns, memory_order_relaxed) != 0) {
        set_deadline(job, timeout_ms);
    }
}
