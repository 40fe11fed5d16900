/* The ring: order and capacity with one thread, then a model test with several on a random schedule: each
 * item must come out exactly once, with what its producer wrote, and in its producer's order. PSV_TEST_LONG=1
 * runs it for ten seconds.
 *
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "table.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/random.h"
#include "base/ring.h"
#include "fail_alloc.h"

static void test_capacity(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        size_t capacity;
    } cases[] = {
        {ROW("smallest"), 1},        {ROW("two"), 2},
        {ROW("no power of two"), 3}, {ROW("power of two"), 64},
        {ROW("just above one"), 65}, {ROW("workers x 100"), 800},
    };
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_ring ring;
        static char items[801];
        assert_int_equal(psv_ring_init(&ring, row->capacity), 0);
        assert_null(psv_ring_pop(&ring));
        for (unsigned round = 0; round < 5; round++) {
            for (size_t i = 0; i < row->capacity; i++) {
                assert_int_equal(psv_ring_len(&ring), i);
                assert_int_equal(psv_ring_push(&ring, &items[i]), 0);
            }
            assert_int_equal(psv_ring_push(&ring, &items[800]), PSV_EFULL);
            assert_int_equal(psv_ring_len(&ring), row->capacity);
            for (size_t i = 0; i < row->capacity; i++)
                assert_ptr_equal(psv_ring_pop(&ring), &items[i]);
            assert_null(psv_ring_pop(&ring));
            assert_int_equal(psv_ring_len(&ring), 0);
        }
        psv_ring_fini(&ring);
    }
}

/* Half full all the time, positions far beyond the slots. */
static void test_wraps_around(void **state)
{
    (void)state;
    struct psv_ring ring;
    static char items[1000];
    assert_int_equal(psv_ring_init(&ring, 5), 0);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(psv_ring_push(&ring, &items[i]), 0);
        if (i >= 3)
            assert_ptr_equal(psv_ring_pop(&ring), &items[i - 3]);
    }
    assert_int_equal(psv_ring_len(&ring), 3);
    psv_ring_fini(&ring);
}

static int init_and_fini(void *context)
{
    (void)context;
    struct psv_ring ring;
    int error = psv_ring_init(&ring, 100);
    if (error == 0)
        psv_ring_fini(&ring);
    return error;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    struct psv_ring ring;
    assert_int_equal(fail_each_allocation(init_and_fini, NULL), 1);
    assert_int_equal(psv_ring_init(&ring, SIZE_MAX), PSV_ENOMEM);
    assert_int_equal(psv_ring_init(&ring, SIZE_MAX / 8), PSV_ENOMEM);
}

static jmp_buf back;
static void jump_back(const char *file, int line, const char *what)
{
    (void)file;
    (void)line;
    (void)what;
    longjmp(back, 1);
}

static void test_misuse_panics(void **state)
{
    (void)state;
    struct psv_ring ring;
    volatile bool has_returned = false;
    assert_int_equal(psv_ring_init(&ring, 1), 0);
    psv_panic_set_hook(jump_back);
    if (setjmp(back) == 0) {
        has_returned = psv_ring_push(&ring, NULL) <= 0;
    }
    psv_panic_set_hook(jump_back);
    if (setjmp(back) == 0) {
        struct psv_ring other;
        has_returned = psv_ring_init(&other, 0) <= 0;
    }
    psv_panic_set_hook(NULL);
    psv_ring_fini(&ring);
    assert_false(has_returned);
}

#define PRODUCERS_MAX 3
#define CONSUMERS_MAX 3
#define ITEMS_PER_PRODUCER 4000

struct item {
    unsigned producer;
    unsigned number;
    unsigned
        pops; /* not atomic on purpose: two poppers of one item are a race that ThreadSanitizer reports */
};

struct round {
    struct psv_ring ring;
    pthread_barrier_t start;
    _Atomic unsigned producers_left;
    _Atomic unsigned errors;
    struct item items[PRODUCERS_MAX][ITEMS_PER_PRODUCER];
};

struct actor {
    struct round *round;
    unsigned index;
    uint64_t random;
    unsigned popped;
};

static unsigned next_random(uint64_t *random, unsigned below)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (unsigned)((*random >> 33) % below);
}

/* What makes the schedules differ: bursts, short spins, giving the processor away. */
static void dawdle(uint64_t *random)
{
    unsigned choice = next_random(random, 64);
    if (choice == 0) {
        sched_yield();
    } else if (choice < 8) {
        for (volatile unsigned spin = next_random(random, 200); spin > 0; spin--)
            continue;
    }
}

static void *produce(void *argument)
{
    struct actor *self = argument;
    struct round *round = self->round;
    pthread_barrier_wait(&round->start);
    for (unsigned i = 0; i < ITEMS_PER_PRODUCER; i++) {
        struct item *item = &round->items[self->index][i];
        *item = (struct item){.producer = self->index, .number = i, .pops = 0};
        while (psv_ring_push(&round->ring, item) != 0)
            sched_yield();
        dawdle(&self->random);
    }
    atomic_fetch_sub_explicit(&round->producers_left, 1, memory_order_release);
    return NULL;
}

static void *consume(void *argument)
{
    struct actor *self = argument;
    struct round *round = self->round;
    int newest[PRODUCERS_MAX] = {-1, -1, -1};
    pthread_barrier_wait(&round->start);
    for (;;) {
        /* looked at before the pop: once all producers have ended, an empty ring stays empty */
        bool is_over = atomic_load_explicit(&round->producers_left, memory_order_acquire) == 0;
        struct item *item = psv_ring_pop(&round->ring);
        if (item == NULL && is_over)
            return NULL;
        if (item == NULL) {
            sched_yield();
            continue;
        }
        item->pops++;
        self->popped++;
        if (item->producer >= PRODUCERS_MAX || (int)item->number <= newest[item->producer])
            atomic_fetch_add_explicit(&round->errors, 1, memory_order_relaxed);
        else
            newest[item->producer] = (int)item->number;
        dawdle(&self->random);
    }
}

static void run_round(struct round *round, unsigned producers, unsigned consumers, size_t capacity,
                      uint64_t random)
{
    struct actor actors[PRODUCERS_MAX + CONSUMERS_MAX];
    pthread_t threads[PRODUCERS_MAX + CONSUMERS_MAX];
    unsigned count = producers + consumers;
    assert_int_equal(psv_ring_init(&round->ring, capacity), 0);
    assert_int_equal(pthread_barrier_init(&round->start, NULL, count), 0);
    atomic_store(&round->producers_left, producers);
    atomic_store(&round->errors, 0);
    for (unsigned i = 0; i < count; i++) {
        bool is_producer = i < producers;
        actors[i] = (struct actor){.round = round,
                                   .index = is_producer ? i : i - producers,
                                   .random = (random + i * 0x9e3779b97f4a7c15u) | 1};
        assert_int_equal(pthread_create(&threads[i], NULL, is_producer ? produce : consume, &actors[i]), 0);
    }
    unsigned popped = 0;
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        popped += i >= producers ? actors[i].popped : 0;
    }
    assert_int_equal(atomic_load(&round->errors), 0);
    assert_int_equal(popped, producers * ITEMS_PER_PRODUCER);
    for (unsigned p = 0; p < producers; p++) {
        for (unsigned i = 0; i < ITEMS_PER_PRODUCER; i++) {
            assert_int_equal(round->items[p][i].pops, 1);
            assert_int_equal(round->items[p][i].number, i);
        }
    }
    assert_int_equal(psv_ring_len(&round->ring), 0);
    pthread_barrier_destroy(&round->start);
    psv_ring_fini(&round->ring);
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void test_model(void **state)
{
    (void)state;
    static struct round round;
    const char *is_long = getenv("PSV_TEST_LONG");
    double end = seconds_now() + (is_long != NULL && strcmp(is_long, "1") == 0 ? 10 : 1.2);
    uint64_t random = psv_random_u64() | 1;
    print_message("seed %llu\n", (unsigned long long)random);
    unsigned rounds = 0;
    while (seconds_now() < end || rounds < 4) {
        unsigned producers = 1 + next_random(&random, PRODUCERS_MAX);
        unsigned consumers = 1 + next_random(&random, 4 - producers > 0 ? 4 - producers : 1);
        size_t capacity =
            next_random(&random, 3) == 0 ? 1 + next_random(&random, 3) : 1 + next_random(&random, 200);
        run_round(&round, producers, consumers, capacity, random);
        rounds++;
    }
    print_message("%u rounds\n", rounds);
}

struct filler {
    struct psv_ring *ring;
    pthread_barrier_t *start;
    unsigned pushed;
};

static void *fill_up(void *argument)
{
    struct filler *self = argument;
    pthread_barrier_wait(self->start);
    while (psv_ring_push(self->ring, self) == 0)
        self->pushed++;
    return NULL;
}

/* Several producers race for the last places and nobody pops: exactly the capacity gets in. */
static void test_capacity_holds_against_many_producers(void **state)
{
    (void)state;
    for (size_t capacity = 1; capacity < 400; capacity += 13) {
        struct psv_ring ring;
        struct filler fillers[3];
        pthread_t threads[3];
        pthread_barrier_t start;
        assert_int_equal(psv_ring_init(&ring, capacity), 0);
        assert_int_equal(pthread_barrier_init(&start, NULL, 3), 0);
        for (unsigned i = 0; i < 3; i++) {
            fillers[i] = (struct filler){&ring, &start, 0};
            assert_int_equal(pthread_create(&threads[i], NULL, fill_up, &fillers[i]), 0);
        }
        size_t pushed = 0;
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
            pushed += fillers[i].pushed;
        }
        assert_int_equal(pushed, capacity);
        for (size_t i = 0; i < capacity; i++)
            assert_non_null(psv_ring_pop(&ring));
        assert_null(psv_ring_pop(&ring));
        pthread_barrier_destroy(&start);
        psv_ring_fini(&ring);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capacity),      cmocka_unit_test(test_wraps_around),
        cmocka_unit_test(test_out_of_memory), cmocka_unit_test(test_misuse_panics),
        cmocka_unit_test(test_model),         cmocka_unit_test(test_capacity_holds_against_many_producers),
    };
    return cmocka_run_group_tests_name("base/ring", tests, NULL, NULL);
}
