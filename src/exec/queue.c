/* The job queue; see queue.h.  Producers are loops, consumers are workers.  Knows nothing of what a job is.
 *
 * SPDX-License-Identifier: MIT */
#include "queue.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "os/clock.h"
#include "os/thread.h"

/* No wake-up is lost.  Every handshake below is a pair of read-modify-write operations on one word, by both
 * sides, with acquire and release: one of the two comes second in that word's order, and the second one sees
 * everything that the first side did before its own.
 *
 *  1. gate.  A producer pushes, then leaves the gate.  A worker that found nothing puts itself on the idle
 *     stack, then touches the gate, then looks at the ring again.  Producer second: it sees the worker on the
 *     stack.  Worker second: it sees the job.
 *  2. is_waking.  Who changes it from 0 to 1 owes a wake-up: it pops one idle worker and wakes it, and that
 *     worker sets it back to 0 and then looks at the ring.  Who finds a 1 owes nothing: its exchange came
 *     before the one back to 0, so the woken worker sees its job.
 *  3. Who owes a wake-up but finds the stack empty sets is_waking back to 0 and looks at the stack again: a
 *     worker that parked meanwhile and found the 1 did so before that exchange, so it is seen now.
 *  4. A woken worker takes one job; if the ring holds more it wakes the next one (2.) before it starts to
 *     work.  So after every push there is no idle worker, or one is on its way, or no job is left.
 *
 *  5. No more workers are awake than awake_max (processors), unless scripts wait: workers beyond that would
 *     only take the processors from each other, at a context switch a job.  A wake-up that is not sent
 *     because of it is not lost: those who are awake look at the ring when they finish their job or park, and
 *     a parked one counts as asleep before it touches the gate (1.).  A worker whose scripts gave up the
 *     processor by themselves (sockets, sleep, locks) lifts the bound for a while; and when nothing was taken
 *     from the ring for a moment, because all who are awake wait, psv_queue_relieve wakes one more.
 *
 * Workers that finish a job just take the next one and disturb nobody. */

enum parking_state {
    PARKING_AWAKE,  /* not asleep (yet): a waker needs no system call */
    PARKING_ASLEEP, /* in futex wait, or just before it */
    PARKING_WOKEN,  /* taken off the idle stack */
};

#define GATE_STOPPED (UINT32_C(1) << 31)

/* For how long a script that waited lifts the bound, and how many jobs of one stay awake may come to one wait
 * without doing so (locks inside the runtime). */
#define LIFT_NS (UINT64_C(1) * PSV_NS_PER_S)
#define JOBS_PER_WAIT 8

/* Tag and top of the idle stack; the tag makes a compare-and-swap fail when the same top came back meanwhile
 * (ABA). */
static inline uint64_t idle_word(uint64_t old, uint32_t top)
{
    return ((old >> 32) + 1) << 32 | top;
}

static inline uint32_t idle_top(uint64_t word)
{
    return (uint32_t)word;
}

int psv_queue_init(struct psv_queue *queue, size_t capacity, unsigned workers, unsigned spares,
                   unsigned awake_max)
{
    queue->parkings_len = workers + spares;
    queue->workers_len = workers;
    queue->awake_max = MIN(awake_max, workers);
    queue->parkings =
        psv_calloc_aligned(_Alignof(struct psv_parking), sizeof(*queue->parkings) * MAX(workers + spares, 1));
    if (queue->parkings == NULL) {
        queue->ring.slots = NULL;
        return PSV_ENOMEM;
    }
    int code = psv_ring_init(&queue->ring, capacity);
    if (code != PSV_OK) {
        queue->ring.slots = NULL;
        queue->parkings = psv_free(queue->parkings);
        return code;
    }
    atomic_init(&queue->idle, 0);
    atomic_init(&queue->is_waking, 0);
    atomic_init(&queue->idle_len, 0);
    atomic_init(&queue->gate, 0);
    atomic_init(&queue->wakes, 0);
    atomic_init(&queue->lifted_until_ns, 0);
    return PSV_OK;
}

void psv_queue_fini(struct psv_queue *queue)
{
    psv_ring_fini(&queue->ring);
    queue->parkings = psv_free(queue->parkings);
}

static void push_idle(struct psv_queue *queue, unsigned index)
{
    struct psv_parking *parking = &queue->parkings[index];
    uint64_t old = atomic_load_explicit(&queue->idle, memory_order_relaxed);

    do {
        atomic_store_explicit(&parking->next, idle_top(old), memory_order_relaxed);
        /* release publishes next and state to the one who pops it */
    } while (!atomic_compare_exchange_weak_explicit(&queue->idle, &old, idle_word(old, index + 1),
                                                    memory_order_acq_rel, memory_order_relaxed));
    atomic_fetch_add_explicit(&queue->idle_len, 1, memory_order_relaxed); /* the gate publishes it (5.) */
}

/* The worker that went idle last, or NULL. */
static struct psv_parking *pop_idle(struct psv_queue *queue)
{
    uint64_t old = atomic_load_explicit(&queue->idle, memory_order_acquire);
    struct psv_parking *parking;

    do {
        if (idle_top(old) == 0) {
            return NULL;
        }
        parking = &queue->parkings[idle_top(old) - 1];
        /* next may be stale when another popped it meanwhile: then the tag differs and the swap fails */
    } while (!atomic_compare_exchange_weak_explicit(
        &queue->idle, &old, idle_word(old, atomic_load_explicit(&parking->next, memory_order_relaxed)),
        memory_order_acq_rel, memory_order_acquire));
    atomic_fetch_sub_explicit(&queue->idle_len, 1, memory_order_relaxed);
    return parking;
}

static void wake_parking(struct psv_queue *queue, struct psv_parking *parking)
{
    /* acq_rel pairs with the sleeper's reads of state: it sees what was done before it was woken */
    if (atomic_exchange_explicit(&parking->state, PARKING_WOKEN, memory_order_acq_rel) == PARKING_ASLEEP) {
        atomic_fetch_add_explicit(&queue->wakes, 1, memory_order_relaxed);
        psv_futex_wake(&parking->state, 1);
    }
}

/* Whether as many workers are awake as there is work for (5.). */
static bool is_enough_awake(struct psv_queue *queue)
{
    if (queue->awake_max == queue->workers_len) {
        return false;
    }
    /* relaxed: whoever reads an old count comes before its writer at the gate, and that one looks itself */
    unsigned idle = atomic_load_explicit(&queue->idle_len, memory_order_relaxed);
    return queue->workers_len - MIN(idle, queue->workers_len) >= queue->awake_max &&
           psv_clock_monotonic_ns() >= atomic_load_explicit(&queue->lifted_until_ns, memory_order_relaxed);
}

/* Sends one idle worker to the ring, unless one is on its way. */
static void wake_any(struct psv_queue *queue)
{
    for (;;) {
        /* acquire, after the caller's exchange on gate or is_waking: sees those who parked before (1., 3.) */
        if (idle_top(atomic_load_explicit(&queue->idle, memory_order_acquire)) == 0) {
            return;
        }
        if (atomic_exchange_explicit(&queue->is_waking, 1, memory_order_acq_rel) != 0) {
            return;
        }
        struct psv_parking *parking = pop_idle(queue);
        if (parking != NULL) {
            wake_parking(queue, parking);
            return;
        }
        atomic_exchange_explicit(&queue->is_waking, 0, memory_order_acq_rel);
    }
}

/* The same while the bound allows it. */
static void wake_one(struct psv_queue *queue)
{
    if (!is_enough_awake(queue)) {
        wake_any(queue);
    }
}

int psv_queue_add(struct psv_queue *queue, struct psv_job *job)
{
    /* acquire pairs with the release in stop; the count keeps workers from leaving before this push is
     * decided */
    if ((atomic_fetch_add_explicit(&queue->gate, 1, memory_order_acquire) & GATE_STOPPED) != 0) {
        atomic_fetch_sub_explicit(&queue->gate, 1, memory_order_release);
        return PSV_ESTOPPING;
    }
    int code = psv_ring_push(&queue->ring, job);
    atomic_fetch_sub_explicit(&queue->gate, 1, memory_order_acq_rel); /* 1. */
    return code;
}

void psv_queue_kick(struct psv_queue *queue)
{
    /* 1. again, for a worker that has parked since the last push left the gate */
    atomic_fetch_add_explicit(&queue->gate, 0, memory_order_acq_rel);
    wake_one(queue);
}

int psv_queue_push(struct psv_queue *queue, struct psv_job *job)
{
    int code = psv_queue_add(queue, job);

    if (code == PSV_OK) {
        wake_one(queue);
    }
    return code;
}

bool psv_queue_is_held_back(const struct psv_queue *queue)
{
    /* relaxed: asked again and again */
    return queue->awake_max < queue->workers_len &&
           atomic_load_explicit(&queue->idle_len, memory_order_relaxed) > 0 && psv_ring_len(&queue->ring) > 0;
}

void psv_queue_relieve(struct psv_queue *queue)
{
    wake_any(queue);
}

size_t psv_queue_taken(const struct psv_queue *queue)
{
    return atomic_load_explicit(&queue->ring.head, memory_order_relaxed); /* a snapshot */
}

bool psv_queue_is_full(const struct psv_queue *queue)
{
    return psv_ring_len(&queue->ring) >= queue->ring.capacity;
}

size_t psv_queue_len(const struct psv_queue *queue)
{
    return psv_ring_len(&queue->ring);
}

/* Puts worker `index` on the idle stack and sleeps until somebody takes it off. */
static void park(struct psv_queue *queue, unsigned index)
{
    struct psv_parking *parking = &queue->parkings[index];

    atomic_store_explicit(&parking->state, PARKING_AWAKE, memory_order_relaxed); /* push_idle publishes it */
    push_idle(queue, index);
    /* 1.: the addition of nothing takes its place in the gate's order */
    bool is_stopped = (atomic_fetch_add_explicit(&queue->gate, 0, memory_order_acq_rel) & GATE_STOPPED) != 0;
    if (is_stopped) {
        psv_queue_stop(queue); /* wakes this one, too, if stop's own round had missed it */
    } else if (psv_ring_len(&queue->ring) > 0) {
        wake_one(queue); /* itself, or another: somebody looks */
    }
    uint32_t state = PARKING_AWAKE;
    /* acquire pairs with the release in wake_parking; fails when woken already */
    if (!atomic_compare_exchange_strong_explicit(&parking->state, &state, PARKING_ASLEEP,
                                                 memory_order_acq_rel, memory_order_acquire)) {
        return;
    }
    do {
        (void)psv_futex_wait(&parking->state, PARKING_ASLEEP, 0); /* without a deadline it cannot time out */
    } while (atomic_load_explicit(&parking->state, memory_order_acquire) != PARKING_WOKEN);
}

/* Did the scripts of this stay awake wait for something?  Counted by the kernel: how often the thread gave up
 * the processor by itself. */
static void judge_waits(struct psv_queue *queue, const struct psv_parking *parking)
{
    if (parking->jobs > 0 && (psv_thread_waits() - parking->waits) * JOBS_PER_WAIT >= parking->jobs) {
        atomic_store_explicit(&queue->lifted_until_ns, psv_clock_monotonic_ns() + LIFT_NS,
                              memory_order_relaxed); /* orders nothing */
    }
}

struct psv_job *psv_queue_pop_wait(struct psv_queue *queue, unsigned index)
{
    INVARIANT(index < queue->parkings_len);
    struct psv_parking *parking = &queue->parkings[index];
    bool is_bounded = queue->awake_max < queue->workers_len;
    struct psv_job *job = psv_ring_pop(&queue->ring);

    while (job == NULL) {
        /* acquire pairs with the gate's releases: who sees "stopped, no push under way" sees every job that
         * was pushed */
        if (atomic_load_explicit(&queue->gate, memory_order_acquire) == GATE_STOPPED) {
            return psv_ring_pop(&queue->ring);
        }
        if (is_bounded) {
            judge_waits(queue, parking);
        }
        park(queue, index);
        if (is_bounded) {
            parking->waits = psv_thread_waits();
            parking->jobs = 0;
        }
        atomic_exchange_explicit(&queue->is_waking, 0,
                                 memory_order_acq_rel); /* 2.: back to 0 before looking */
        job = psv_ring_pop(&queue->ring);
        if (job != NULL && psv_ring_len(&queue->ring) > 0) {
            wake_one(queue); /* 4. */
        }
    }
    parking->jobs++;
    return job;
}

bool psv_queue_is_stopped(const struct psv_queue *queue)
{
    /* acquire pairs with the release in stop */
    return (atomic_load_explicit(&queue->gate, memory_order_acquire) & GATE_STOPPED) != 0;
}

void psv_queue_stop(struct psv_queue *queue)
{
    struct psv_parking *parking;

    atomic_fetch_or_explicit(&queue->gate, GATE_STOPPED,
                             memory_order_acq_rel); /* pairs with 1.: sees all who parked */
    while ((parking = pop_idle(queue)) != NULL) {
        wake_parking(queue, parking);
    }
}
