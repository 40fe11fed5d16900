/* The stack of line buffers: its order, and that no slot is ever with two threads.
 *
 * SPDX-License-Identifier: MIT */
#include "observe/log_slots.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <pthread.h>

#define SLOTS 32
#define THREADS 4
#define ROUNDS 20000

static struct psv_log_slots slots;

static int make_slots(void **state)
{
    (void)state;
    return psv_log_slots_init(&slots, SLOTS);
}

static int drop_slots(void **state)
{
    (void)state;
    psv_log_slots_fini(&slots);
    return 0;
}

static void last_in_first_out(void **state)
{
    struct psv_log_slot *all[SLOTS];
    (void)state;
    for (size_t i = 0; i < SLOTS; i++) {
        all[i] = psv_log_slots_take(&slots);
        assert_ptr_equal(all[i], &slots.slots[i]);
    }
    assert_null(psv_log_slots_take(&slots));
    psv_log_slots_give_back(&slots, all[9]);
    psv_log_slots_give_back_all(&slots, NULL, 0);
    psv_log_slots_give_back_all(&slots, &all[3], 1);
    psv_log_slots_give_back_all(&slots, &all[20], 3);
    static const size_t expected[] = {20, 21, 22, 3, 9};
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        assert_ptr_equal(psv_log_slots_take(&slots), all[expected[i]]);
    }
    assert_null(psv_log_slots_take(&slots));
    psv_log_slots_give_back_all(&slots, all, SLOTS);
    for (size_t i = 0; i < SLOTS; i++) {
        assert_ptr_equal(psv_log_slots_take(&slots), all[i]);
    }
}

/* len says whose a slot is: 0 while it is nobody's. */
static void *take_and_give_back(void *context)
{
    uint16_t me = *(const uint16_t *)context;
    struct psv_log_slot *mine[SLOTS];
    uintptr_t errors = 0;
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t len = 0;
        while (len < 1 + round % (SLOTS / 2) && (mine[len] = psv_log_slots_take(&slots)) != NULL) {
            errors += mine[len]->len != 0;
            mine[len++]->len = me;
        }
        for (size_t i = 0; i < len; i++) {
            errors += mine[i]->len != me;
            mine[i]->len = 0;
        }
        if (round % 2 == 0) {
            psv_log_slots_give_back_all(&slots, mine, len);
            continue;
        }
        for (size_t i = 0; i < len; i++) {
            psv_log_slots_give_back(&slots, mine[i]);
        }
    }
    return (void *)errors;
}

static void many_threads(void **state)
{
    static const uint16_t names[THREADS] = {1, 2, 3, 4};
    pthread_t threads[THREADS];
    size_t left = 0;
    (void)state;
    for (size_t i = 0; i < THREADS; i++) {
        void *name = (void *)(uintptr_t)&names[i];
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give_back, name), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        void *errors = NULL;
        assert_int_equal(pthread_join(threads[i], &errors), 0);
        assert_null(errors);
    }
    while (psv_log_slots_take(&slots) != NULL) {
        left++;
    }
    assert_int_equal(left, SLOTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(last_in_first_out, make_slots, drop_slots),
        cmocka_unit_test_setup_teardown(many_threads, make_slots, drop_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
