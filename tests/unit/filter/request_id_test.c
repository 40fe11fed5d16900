/* Tests of filter/request_id.c.
 *
 * SPDX-License-Identifier: MIT */
#include "../handler/fake_exchange.h"

#include "filter/request_id.h"

static void test_form_and_difference(void **state)
{
    (void)state;
    char seen[100][33];
    struct fake_exchange fake;
    fake_exchange_begin(&fake, "GET", "/", NULL);
    for (size_t i = 0; i < ARRAY_SIZE(seen); i++) {
        psv_request_id_assign(fake.exchange);
        memcpy(seen[i], fake.exchange->request_id, sizeof(seen[i]));
        assert_int_equal(strlen(seen[i]), 32);
        assert_int_equal(strspn(seen[i], "0123456789abcdef"), 32);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(seen[i], seen[j]);
    }
    fake_exchange_end(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_form_and_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
