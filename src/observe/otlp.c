/* See otlp.h.
 *
 *   any thread:  take a free span -> fill it -> push it -> wake the thread if it waits for this one
 *   the thread:  wait for the first, then for more (delay, or a full batch) -> encode up to 512, give their
 * places back -> send, again and again within bounds -> count
 *
 * SPDX-License-Identifier: MIT */
#include "otlp.h"

#include <stdatomic.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/ring.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "observe/otlp_http.h"
#include "observe/otlp_json.h"
#include "os/clock.h"
#include "os/thread.h"

#define BATCH_REQUESTS 512
#define BATCH_BYTES_MAX (16u << 20)
#define RESOURCE_BYTES_MAX (64u << 10) /* what psv_otlp_json_resource reserves */
/* Between two attempts: doubled each time, half of it left to chance; a Retry-After counts up to the
 * greatest. */
#define RETRY_FIRST_MS 500u
#define RETRY_MAX_MS 30000u
/* From its first attempt on; then a batch is given up. */
#define RETRY_TOTAL_NS (60 * PSV_NS_PER_S)
#define STOP_FLUSH_NS (3 * PSV_NS_PER_S)
/* libcurl asks once a second whether it shall go on. */
#define STOP_JOIN_NS (STOP_FLUSH_NS + 2 * PSV_NS_PER_S)
#define FAILURE_LOG_NS (60 * PSV_NS_PER_S)
#define STACK_BYTES (512u << 10)

/* What the thread waits for: the word that producers look at. */
enum { AWAKE, WAITS_FOR_FIRST, WAITS_FOR_BATCH };

struct psv_otlp {
    struct psv_ring spare;
    struct psv_ring ready;
    struct psv_otlp_span *spans;
    size_t batch_requests;        /* at most BATCH_REQUESTS, and half the queue */
    _Atomic uint32_t waits;       /* futex word */
    _Atomic uint32_t is_stopping; /* futex word of the pauses between attempts */
    _Atomic uint64_t stop_ns;     /* when a stop's flush is over; written before is_stopping */
    struct psv_thread thread;

    /* The thread's. */
    struct psv_otlp_http *http;
    struct psv_buffer resource;
    struct psv_buffer body;
    size_t body_requests; /* in body */
    const char *version;
    uint64_t delay_ns;
    bool is_failing; /* the last batch was given up */
    uint64_t failure_logged_ns;
};

/* ---- any thread */

struct psv_otlp_span *psv_otlp_take(struct psv_otlp *otlp)
{
    struct psv_otlp_span *span = psv_ring_pop(&otlp->spare);

    if (span == NULL) {
        psv_metric_inc(PSV_METRIC_OTLP_DROPPED_QUEUE);
    }
    return span;
}

static void wake(struct psv_otlp *otlp)
{
    if (atomic_exchange_explicit(&otlp->waits, AWAKE, memory_order_acq_rel) != AWAKE) {
        psv_futex_wake(&otlp->waits, 1);
    }
}

void psv_otlp_push(struct psv_otlp *otlp, struct psv_otlp_span *span)
{
    /* as many places as spans: it cannot be full */
    INVARIANT(psv_ring_push(&otlp->ready, span) == PSV_OK);
    /* a read-modify-write, so that it and the thread's exchange are ordered: either this one sees that the
     * thread waits, or the thread's look at the ring sees the span */
    uint32_t waits = atomic_fetch_or_explicit(&otlp->waits, 0, memory_order_acq_rel);
    if (waits == WAITS_FOR_FIRST ||
        (waits == WAITS_FOR_BATCH && psv_ring_len(&otlp->ready) >= otlp->batch_requests)) {
        wake(otlp);
    }
}

/* ---- the thread: when */

static bool is_stopping(const struct psv_otlp *otlp)
{
    return atomic_load_explicit(&otlp->is_stopping, memory_order_acquire) != 0;
}

/* The time for a flush is over. */
static bool is_over(void *context)
{
    const struct psv_otlp *otlp = context;

    return is_stopping(otlp) &&
           psv_clock_monotonic_ns() >= atomic_load_explicit(&otlp->stop_ns, memory_order_relaxed);
}

/* Until there are so many, deadline_ns (0 = none) has come, or the stop. */
static void wait_for(struct psv_otlp *otlp, uint32_t what, size_t count, uint64_t deadline_ns)
{
    (void)atomic_exchange_explicit(&otlp->waits, what, memory_order_acq_rel); /* pairs with push */
    while (psv_ring_len(&otlp->ready) < count && !is_stopping(otlp) &&
           atomic_load_explicit(&otlp->waits, memory_order_acquire) == what) {
        if (psv_futex_wait(&otlp->waits, what, deadline_ns) == PSV_ETIMEOUT) {
            break;
        }
    }
    atomic_store_explicit(&otlp->waits, AWAKE, memory_order_relaxed);
}

/* The pause before the next attempt. */
static void pause_before_retry(struct psv_otlp *otlp, unsigned attempts, uint64_t retry_after_ms)
{
    uint64_t longest_ms = MIN((uint64_t)RETRY_FIRST_MS << MIN(attempts, 10u), (uint64_t)RETRY_MAX_MS);
    uint64_t pause_ms = longest_ms / 2 + psv_random_u64() % (longest_ms / 2 + 1);

    pause_ms = MAX(pause_ms, MIN(retry_after_ms, (uint64_t)RETRY_MAX_MS));
    uint64_t deadline_ns = psv_clock_monotonic_ns() + pause_ms * PSV_NS_PER_MS;
    while (!is_stopping(otlp) && psv_futex_wait(&otlp->is_stopping, 0, deadline_ns) != PSV_ETIMEOUT) {
    }
}

/* ---- the thread: what */

static void encode_batch(struct psv_otlp *otlp)
{
    int64_t offset_ns = (int64_t)(psv_clock_unix_us() * PSV_NS_PER_US - psv_clock_monotonic_ns());
    struct psv_otlp_span *span;
    int code = psv_otlp_json_begin(&otlp->body, psv_buffer_bytes(&otlp->resource), otlp->version);

    while (otlp->body_requests < otlp->batch_requests && (span = psv_ring_pop(&otlp->ready)) != NULL) {
        if (code == PSV_OK) {
            code = psv_otlp_json_span(&otlp->body, span, offset_ns, otlp->body_requests == 0);
        }
        otlp->body_requests++;
        INVARIANT(psv_ring_push(&otlp->spare, span) == PSV_OK);
    }
    if (code == PSV_OK) {
        code = psv_otlp_json_end(&otlp->body);
    }
    if (code != PSV_OK) {
        psv_metric_add(PSV_METRIC_OTLP_DROPPED_FAILED, (int64_t)otlp->body_requests);
        otlp->body_requests = 0;
    }
}

static void note_accepted(struct psv_otlp *otlp, const struct psv_otlp_answer *answer)
{
    size_t rejected = (size_t)MIN(answer->rejected, (uint64_t)otlp->body_requests);

    psv_metric_inc(PSV_METRIC_OTLP_REQUESTS_ACCEPTED);
    psv_metric_add(PSV_METRIC_OTLP_EXPORTED, (int64_t)(otlp->body_requests - rejected));
    psv_metric_add(PSV_METRIC_OTLP_DROPPED_REJECTED, (int64_t)rejected);
    if (otlp->is_failing) {
        otlp->is_failing = false;
        PSV_LOG(PSV_LOG_INFO, "otlp.recovered");
    }
}

static void note_given_up(struct psv_otlp *otlp, const struct psv_otlp_answer *answer)
{
    uint64_t now_ns = psv_clock_monotonic_ns();

    psv_metric_inc(PSV_METRIC_OTLP_REQUESTS_FAILED);
    psv_metric_add(is_stopping(otlp) ? PSV_METRIC_OTLP_DROPPED_SHUTDOWN : PSV_METRIC_OTLP_DROPPED_FAILED,
                   (int64_t)otlp->body_requests);
    if (!otlp->is_failing || now_ns - otlp->failure_logged_ns >= FAILURE_LOG_NS) {
        otlp->failure_logged_ns = now_ns;
        PSV_LOG(PSV_LOG_WARN, "otlp.failed", PSV_LOG_TEXT("reason", answer->reason),
                PSV_LOG_U64("status", answer->status), PSV_LOG_U64("requests", otlp->body_requests));
    }
    otlp->is_failing = true;
}

/* Says early that something is wrong: the batch may be tried for a minute yet. */
static void note_retry(struct psv_otlp *otlp, const struct psv_otlp_answer *answer)
{
    psv_metric_inc(PSV_METRIC_OTLP_REQUESTS_RETRIED);
    if (!otlp->is_failing) {
        otlp->is_failing = true;
        otlp->failure_logged_ns = psv_clock_monotonic_ns();
        PSV_LOG(PSV_LOG_WARN, "otlp.retrying", PSV_LOG_TEXT("reason", answer->reason),
                PSV_LOG_U64("status", answer->status));
    }
}

static void send_batch(struct psv_otlp *otlp)
{
    uint64_t give_up_ns = psv_clock_monotonic_ns() + RETRY_TOTAL_NS;
    struct psv_otlp_answer answer;

    for (unsigned attempts = 0;; attempts++) {
        psv_otlp_http_post(otlp->http, psv_buffer_bytes(&otlp->body), &answer);
        if (answer.outcome == PSV_OTLP_ACCEPTED) {
            note_accepted(otlp, &answer);
            return;
        }
        if (answer.outcome == PSV_OTLP_REFUSED || is_stopping(otlp) ||
            psv_clock_monotonic_ns() >= give_up_ns) {
            note_given_up(otlp, &answer);
            return;
        }
        note_retry(otlp, &answer);
        pause_before_retry(otlp, attempts, answer.retry_after_ms);
    }
}

static void drop_the_rest(struct psv_otlp *otlp)
{
    while (psv_ring_pop(&otlp->ready) != NULL) {
        psv_metric_inc(PSV_METRIC_OTLP_DROPPED_SHUTDOWN);
    }
}

static void run(void *argument)
{
    struct psv_otlp *otlp = argument;

    for (;;) {
        wait_for(otlp, WAITS_FOR_FIRST, 1, 0);
        wait_for(otlp, WAITS_FOR_BATCH, otlp->batch_requests, psv_clock_monotonic_ns() + otlp->delay_ns);
        /* read before the last look at the ring: what was pushed before the stop is sent */
        bool is_last = is_stopping(otlp);
        if (is_over(otlp)) {
            drop_the_rest(otlp);
            return;
        }
        if (psv_ring_len(&otlp->ready) == 0) {
            if (is_last) {
                return;
            }
            continue;
        }
        encode_batch(otlp);
        if (otlp->body_requests > 0) {
            send_batch(otlp);
        }
        otlp->body_requests = 0;
        psv_buffer_clear(&otlp->body);
    }
}

/* ---- start and stop */

static struct psv_otlp *free_all(struct psv_otlp *otlp)
{
    otlp->http = psv_otlp_http_close(otlp->http);
    psv_buffer_fini(&otlp->resource);
    psv_buffer_fini(&otlp->body);
    psv_ring_fini(&otlp->spare);
    psv_ring_fini(&otlp->ready);
    psv_free(otlp->spans);
    psv_free(otlp);
    return NULL;
}

static int make_queue(struct psv_otlp *otlp, size_t len, struct psv_error *reterr)
{
    otlp->batch_requests = MIN(len / 2, (size_t)BATCH_REQUESTS);
    otlp->spans = psv_calloc(len, sizeof(*otlp->spans));
    if (otlp->spans == NULL || psv_ring_init(&otlp->spare, len) != PSV_OK ||
        psv_ring_init(&otlp->ready, len) != PSV_OK) {
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for %zu spans", len);
    }
    for (size_t i = 0; i < len; i++) {
        INVARIANT(psv_ring_push(&otlp->spare, &otlp->spans[i]) == PSV_OK);
    }
    return PSV_OK;
}

/* All but the thread. */
static int prepare(const struct psv_otlp_options *options, struct psv_otlp **ret, struct psv_error *reterr)
{
    struct psv_otlp *otlp = psv_calloc(1, sizeof(*otlp));
    const struct psv_otlp_http_options http = {
        .url = options->endpoint,
        .headers = options->headers,
        .headers_len = options->headers_len,
        .ca_file = options->ca_file,
        .version = options->version,
        .timeout_ms = options->timeout_ms,
        .gzip = options->gzip,
        .is_cancelled = is_over,
        .context = otlp,
    };

    if (otlp == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    }
    psv_buffer_init(&otlp->resource, RESOURCE_BYTES_MAX);
    psv_buffer_init(&otlp->body, BATCH_BYTES_MAX);
    otlp->version = options->version;
    otlp->delay_ns = options->delay_ms * PSV_NS_PER_MS;
    int code = psv_otlp_http_open(&http, &otlp->http, reterr);
    if (code == PSV_OK) {
        code = psv_otlp_json_resource(&otlp->resource, options->service_name, options->resource_attributes,
                                      reterr);
    }
    if (code == PSV_OK) {
        code = make_queue(otlp, options->queue_requests, reterr);
    }
    if (code != PSV_OK) {
        (void)free_all(otlp);
        return code;
    }
    *ret = otlp;
    return PSV_OK;
}

int psv_otlp_check(const struct psv_otlp_options *options, struct psv_error *reterr)
{
    struct psv_otlp *otlp;
    int code = prepare(options, &otlp, reterr);

    if (code == PSV_OK) {
        (void)free_all(otlp);
    }
    return code;
}

int psv_otlp_start(const struct psv_otlp_options *options, struct psv_otlp **ret, struct psv_error *reterr)
{
    struct psv_otlp *otlp;
    int code = prepare(options, &otlp, reterr);

    if (code != PSV_OK) {
        return code;
    }
    const struct psv_thread_options thread = {
        .name = "otlp", .stack_bytes = STACK_BYTES, .function = run, .argument = otlp};
    code = psv_thread_start(&otlp->thread, &thread, reterr);
    if (code != PSV_OK) {
        (void)free_all(otlp);
        return code;
    }
    *ret = otlp;
    return PSV_OK;
}

bool psv_otlp_stop(struct psv_otlp *otlp)
{
    if (otlp == NULL) {
        return true;
    }
    uint64_t now_ns = psv_clock_monotonic_ns();
    atomic_store_explicit(&otlp->stop_ns, now_ns + STOP_FLUSH_NS, memory_order_relaxed);
    atomic_store_explicit(&otlp->is_stopping, 1, memory_order_release); /* pairs with is_stopping() */
    psv_futex_wake(&otlp->is_stopping, 1);
    wake(otlp);
    if (psv_thread_join(&otlp->thread, now_ns + STOP_JOIN_NS) != PSV_OK) {
        /* it hangs where libcurl does not ask whether to go on, such as a look-up of a name or a file that
         * does not come: what it uses stays for the rest of the process's life */
        psv_thread_abandon(&otlp->thread);
        return false;
    }
    (void)free_all(otlp);
    return true;
}
