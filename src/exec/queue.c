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
 *     The same holds, for one worker instead of awake_max, while the ring holds only so much that a worker
 * that is at it (hot: it has taken a job a moment ago and has not parked) does it sooner than another one
 * wakes up.  Who parks takes that mark back before it touches the gate.
 *
 *  6. A sleeper whose time is over cannot leave the middle of the stack: it stays there, marked as away, and
 *     goes about its business; when it parks again it takes the mark back and is where it was.  Who pops one
 *     that is away takes it off the stack so, and still owes the wake-up: it goes on to the next, and if none
 *     is left, by 3.  All of this is decided by read-modify-writes of the one word `state`.  Mark first: the
 *     waker goes on, and the one that was away looks at the gate and the ring before it sleeps again (1.), as
 *     any busy worker does.  Waker first: there is no time-out any more, but a wake-up.  Who takes the mark
 *     back after it was popped and before the waker has changed the word is woken by that waker.
 *  7. A nudge is counted, then touches the gate, then wakes all who are on the stack.  A worker that parks
 *     looks at the count after its own touch of the gate: one of both sees the other (1.).  Who was nudged
 * has been taken off the stack as for a job, and looks at the ring before it leaves, so it owes nothing (2.).
 *
 * Workers that finish a job just take the next one and disturb nobody. */

enum parking_state {
    PARKING_AWAKE,  /* not asleep (yet): a waker needs no system call */
    PARKING_ASLEEP, /* in futex wait, or just before it */
    PARKING_WOKEN,  /* taken off the idle stack */
    PARKING_AWAY,   /* on the idle stack, but not asleep: its time was over */
};

#define GATE_STOPPED (UINT32_C(1) << 31)

/* For how long a script that waited lifts the bound, and how many jobs of one stay awake may come to one wait
 * without doing so (locks inside the runtime). */
#define LIFT_NS (UINT64_C(1) * PSV_NS_PER_S)
#define JOBS_PER_WAIT 8

/* Less work than this wakes nobody while a worker is at it: some times what a wake-up costs both sides (5 to
 * 10 us where the processors are virtual).  And how long ago it may have taken its last job. */
#define WORTH_WAKING_NS (UINT64_C(50) * 1000)
#define HOT_NS (UINT64_C(30) * 1000)

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
    atomic_init(&queue->nudges, 0);
    atomic_init(&queue->job_ns, 0);
    atomic_init(&queue->hot_ns, 0);
    atomic_init(&queue->hot, 0);
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

/* False when that one does not sleep at all: it is away (6.). */
static bool wake_parking(struct psv_queue *queue, struct psv_parking *parking)
{
    /* acq_rel pairs with the sleeper's reads of state: it sees what was done before it was woken */
    uint32_t old = atomic_exchange_explicit(&parking->state, PARKING_WOKEN, memory_order_acq_rel);

    if (old == PARKING_ASLEEP) {
        atomic_fetch_add_explicit(&queue->wakes, 1, memory_order_relaxed);
        psv_futex_wake(&parking->state, 1);
    }
    return old != PARKING_AWAY;
}

static void wake_all(struct psv_queue *queue)
{
    struct psv_parking *parking;

    while ((parking = pop_idle(queue)) != NULL) {
        (void)wake_parking(queue, parking); /* who is away looks at gate and ring by itself */
    }
}

/* ---- is a wake-up worth it? (5.) */

static bool is_little_work(const struct psv_queue *queue)
{
    /* relaxed here and below: an estimate, which orders nothing */
    uint64_t job_ns = atomic_load_explicit(&queue->job_ns, memory_order_relaxed);

    return job_ns != 0 && psv_ring_len(&queue->ring) * job_ns < WORTH_WAKING_NS;
}

static bool is_one_hot(const struct psv_queue *queue, uint64_t now_ns)
{
    return atomic_load_explicit(&queue->hot, memory_order_relaxed) != 0 &&
           now_ns - MIN(atomic_load_explicit(&queue->hot_ns, memory_order_relaxed), now_ns) < HOT_NS;
}

void psv_queue_note_begin(struct psv_queue *queue, unsigned index, uint64_t now_ns)
{
    if (atomic_load_explicit(&queue->hot, memory_order_relaxed) != index + 1) {
        if (is_one_hot(queue, now_ns)) {
            return; /* one is enough */
        }
        atomic_store_explicit(&queue->hot, index + 1, memory_order_relaxed);
    }
    atomic_store_explicit(&queue->hot_ns, now_ns, memory_order_relaxed);
}

void psv_queue_note_end(struct psv_queue *queue, unsigned index, uint64_t run_ns)
{
    struct psv_parking *parking = &queue->parkings[index];
    uint64_t known_ns = atomic_load_explicit(&queue->job_ns, memory_order_relaxed);

    /* one of eight; the first one counts in full */
    parking->job_ns =
        parking->job_ns == 0 ? MAX(run_ns, 1) : MAX(parking->job_ns - parking->job_ns / 8 + run_ns / 8, 1);
    if (parking->job_ns > known_ns + known_ns / 4 || parking->job_ns + parking->job_ns / 4 < known_ns) {
        atomic_store_explicit(&queue->job_ns, parking->job_ns, memory_order_relaxed);
    }
}

/* Before it is on the stack: the gate publishes it (5.). */
static void cool_down(struct psv_queue *queue, unsigned index)
{
    if (atomic_load_explicit(&queue->hot, memory_order_relaxed) == index + 1) {
        atomic_store_explicit(&queue->hot, 0, memory_order_relaxed);
    }
}

/* Whether as many workers are awake as there is work for (5.). */
static bool is_enough_awake(struct psv_queue *queue)
{
    if (is_little_work(queue) && is_one_hot(queue, psv_clock_monotonic_ns())) {
        return true;
    }
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
        struct psv_parking *parking;
        while ((parking = pop_idle(queue)) != NULL) {
            if (wake_parking(queue, parking)) {
                return;
            }
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

void psv_queue_note_leave(struct psv_queue *queue, unsigned index)
{
    cool_down(queue, index);
    if (psv_ring_len(&queue->ring) > 0) {
        psv_queue_kick(queue);
    }
}

bool psv_queue_is_held_back(const struct psv_queue *queue)
{
    /* relaxed: asked again and again */
    return atomic_load_explicit(&queue->idle_len, memory_order_relaxed) > 0 && psv_ring_len(&queue->ring) > 0;
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

static bool is_nudged(const struct psv_queue *queue, const struct psv_parking *parking)
{
    /* acquire pairs with the release in nudge: sees why */
    return atomic_load_explicit(&queue->nudges, memory_order_acquire) != parking->nudges;
}

/* Leaves the idle stack's sleepers without leaving the stack (6.); false: somebody wakes it just now. */
static bool try_go_away(struct psv_parking *parking, uint32_t state)
{
    return atomic_compare_exchange_strong_explicit(&parking->state, &state, PARKING_AWAY,
                                                   memory_order_acq_rel, memory_order_acquire);
}

static void go_to_stack(struct psv_queue *queue, unsigned index)
{
    struct psv_parking *parking = &queue->parkings[index];
    uint32_t away = PARKING_AWAY;

    /* acquire pairs with the release in wake_parking when it was popped while it was away */
    if (!atomic_compare_exchange_strong_explicit(&parking->state, &away, PARKING_AWAKE, memory_order_acq_rel,
                                                 memory_order_acquire)) {
        atomic_store_explicit(&parking->state, PARKING_AWAKE,
                              memory_order_relaxed); /* push_idle publishes it */
        push_idle(queue, index);
    }
}

/* Puts worker `index` on the idle stack and sleeps until somebody takes it off: true; or until the deadline,
 * or not at all when it was nudged: false. */
static bool park(struct psv_queue *queue, unsigned index, uint64_t deadline_ns)
{
    struct psv_parking *parking = &queue->parkings[index];

    cool_down(queue, index);
    go_to_stack(queue, index);
    /* 1.: the addition of nothing takes its place in the gate's order */
    bool is_stopped = (atomic_fetch_add_explicit(&queue->gate, 0, memory_order_acq_rel) & GATE_STOPPED) != 0;
    if (is_stopped) {
        psv_queue_stop(queue); /* wakes this one, too, if stop's own round had missed it */
    } else if (is_nudged(queue, parking)) {
        if (try_go_away(parking, PARKING_AWAKE)) {
            return false;
        }
    } else if (psv_ring_len(&queue->ring) > 0) {
        wake_one(queue); /* itself, or another: somebody looks */
    }
    uint32_t state = PARKING_AWAKE;
    /* acquire pairs with the release in wake_parking; fails when woken already */
    if (!atomic_compare_exchange_strong_explicit(&parking->state, &state, PARKING_ASLEEP,
                                                 memory_order_acq_rel, memory_order_acquire)) {
        return true;
    }
    do {
        if (psv_futex_wait(&parking->state, PARKING_ASLEEP, deadline_ns) == PSV_ETIMEOUT &&
            try_go_away(parking, PARKING_ASLEEP)) {
            return false;
        }
    } while (atomic_load_explicit(&parking->state, memory_order_acquire) != PARKING_WOKEN);
    return true;
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

/* Off the stack, by somebody who wanted it to look at the ring. */
static struct psv_job *look_after_waking(struct psv_queue *queue, struct psv_parking *parking)
{
    parking->waits = queue->awake_max < queue->workers_len ? psv_thread_waits() : 0;
    parking->jobs = 0;
    atomic_exchange_explicit(&queue->is_waking, 0, memory_order_acq_rel); /* 2.: back to 0 before looking */
    if (is_nudged(queue, parking)) { /* it may have to end: what was pushed since then is for others */
        if (psv_ring_len(&queue->ring) > 0) {
            wake_one(queue);
        }
        return NULL;
    }
    struct psv_job *job = psv_ring_pop(&queue->ring);
    if (job != NULL && psv_ring_len(&queue->ring) > 0 && !is_little_work(queue)) {
        wake_one(queue); /* 4. */
    }
    return job;
}

struct psv_job *psv_queue_pop_until(struct psv_queue *queue, unsigned index, uint64_t deadline_ns,
                                    enum psv_queue_pop *ret_why)
{
    INVARIANT(index < queue->parkings_len);
    struct psv_parking *parking = &queue->parkings[index];
    struct psv_job *job = psv_ring_pop(&queue->ring);

    while (job == NULL) {
        /* acquire pairs with the gate's releases: who sees "stopped, no push under way" sees every job that
         * was pushed */
        if (atomic_load_explicit(&queue->gate, memory_order_acquire) == GATE_STOPPED) {
            *ret_why = PSV_QUEUE_STOPPED;
            return psv_ring_pop(&queue->ring);
        }
        if (is_nudged(queue, parking)) {
            parking->nudges = atomic_load_explicit(&queue->nudges, memory_order_acquire);
            *ret_why = PSV_QUEUE_NUDGED;
            return NULL;
        }
        if (queue->awake_max < queue->workers_len) {
            judge_waits(queue, parking);
        }
        if (park(queue, index, deadline_ns)) {
            job = look_after_waking(queue, parking);
        } else if (!is_nudged(queue, parking)) {
            *ret_why = PSV_QUEUE_TIMEOUT;
            return NULL;
        }
    }
    parking->jobs++;
    return job;
}

void psv_queue_nudge(struct psv_queue *queue)
{
    atomic_fetch_add_explicit(&queue->nudges, 1, memory_order_release); /* pairs with is_nudged */
    atomic_fetch_add_explicit(&queue->gate, 0, memory_order_acq_rel);   /* 7. */
    wake_all(queue);
}

bool psv_queue_is_stopped(const struct psv_queue *queue)
{
    /* acquire pairs with the release in stop */
    return (atomic_load_explicit(&queue->gate, memory_order_acquire) & GATE_STOPPED) != 0;
}

bool psv_queue_is_over(const struct psv_queue *queue)
{
    /* acquire as in psv_queue_pop_until: no job that was pushed is missed */
    return atomic_load_explicit(&queue->gate, memory_order_acquire) == GATE_STOPPED &&
           psv_ring_len(&queue->ring) == 0;
}

void psv_queue_stop(struct psv_queue *queue)
{
    atomic_fetch_or_explicit(&queue->gate, GATE_STOPPED,
                             memory_order_acq_rel); /* pairs with 1.: sees all who parked */
    wake_all(queue);
}
