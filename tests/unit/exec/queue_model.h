/* What the tests of the job queue share: jobs that are only numbers, a plain wait, and the model of the
 * random schedules, in which producers push each number once and consumers count what they get.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <pthread.h>

#include "exec_test.h"

#include "base/error.h"
#include "exec/queue.h"

/** Number n is the address n. */
static inline struct psv_job *job_of(uintptr_t number)
{
    return (struct psv_job *)number; /* never followed */
}

/** The oldest job of a queue, waiting for one through nudges; NULL once it is stopped and empty. */
static inline struct psv_job *pop_wait(struct psv_queue *queue, unsigned index)
{
    enum psv_queue_pop why = PSV_QUEUE_STOPPED;
    struct psv_job *job;

    do {
        job = psv_queue_pop_until(queue, index, 0, &why);
    } while (job == NULL && why != PSV_QUEUE_STOPPED);
    return job;
}

#define MODEL_JOBS_MAX 4000000

struct queue_model {
    struct psv_queue queue;
    _Atomic uint8_t *taken; /* by number */
    _Atomic uintptr_t next_number;
    _Atomic uint64_t pushed;
    _Atomic uint64_t popped;
    _Atomic uint64_t twice;
    _Atomic bool is_over;
    _Atomic bool has_stopped_early; /* pushes are refused from here on */
};

struct model_thread {
    struct queue_model *model;
    pthread_t thread;
    unsigned index;
    uint64_t random;
};

static inline void queue_model_init(struct queue_model *model, unsigned workers, unsigned awake_max,
                                    size_t capacity)
{
    memset(model, 0, sizeof(*model));
    model->taken = calloc(MODEL_JOBS_MAX, 1);
    assert_non_null(model->taken);
    model->next_number = 1;
    assert_int_equal(psv_queue_init(&model->queue, capacity, workers, 0, awake_max), 0);
}

/** All threads have ended: each job that was pushed must have been taken, once. */
static inline void queue_model_fini(struct queue_model *model)
{
    assert_true(model->popped == model->pushed);
    assert_true(model->twice == 0);
    assert_true(model->pushed > 0);
    assert_true(psv_queue_is_over(&model->queue));
    psv_queue_fini(&model->queue);
    free((void *)(uintptr_t)model->taken);
}

static inline void model_thread_start(struct model_thread *self, struct queue_model *model, unsigned index,
                                      void *(*function)(void *))
{
    *self = (struct model_thread){.model = model, .index = index, .random = psv_clock_monotonic_ns() | 1};
    assert_int_equal(pthread_create(&self->thread, NULL, function, self), 0);
}

static inline void pause_randomly(uint64_t *random)
{
    uint64_t kind = test_random(random) % 16;

    if (kind == 0) {
        sched_yield();
    } else if (kind < 4) {
        for (volatile uint64_t spins = test_random(random) % 2000; spins > 0; spins--) {
        }
    } else if (kind == 4 && test_random(random) % 64 == 0) {
        usleep(200);
    }
}

/** A producer's thread. */
static inline void *queue_model_produce(void *context)
{
    struct model_thread *self = context;
    struct queue_model *model = self->model;

    while (!atomic_load(&model->is_over)) {
        uintptr_t number = atomic_fetch_add(&model->next_number, 1);
        if (number >= MODEL_JOBS_MAX) {
            break;
        }
        int code;
        while ((code = psv_queue_push(&model->queue, job_of(number))) == PSV_EFULL) {
            sched_yield();
        }
        if (code == PSV_ESTOPPING) {
            break;
        }
        uint64_t pushed = atomic_fetch_add(&model->pushed, 1) + 1;
        if (test_random(&self->random) % 4 == 0) {
            /* everybody may fall asleep now: a lost wake-up cannot be healed by a later push */
            WAIT_UNTIL(atomic_load(&model->popped) >= pushed || atomic_load(&model->has_stopped_early));
        }
        pause_randomly(&self->random);
    }
    return NULL;
}

static inline void queue_model_count(struct queue_model *model, const struct psv_job *job)
{
    atomic_fetch_add(&model->twice, atomic_fetch_add(&model->taken[(uintptr_t)job], 1) != 0);
    atomic_fetch_add(&model->popped, 1);
}
