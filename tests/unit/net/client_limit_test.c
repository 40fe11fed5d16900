/* The share of connections of one client: who is one, who is not counted, memory.
 *
 * SPDX-License-Identifier: MIT */
#include "table.h"

#include <stdio.h>

#include "fail_alloc.h"
#include "exec/exchange.h"
#include "net/client_limit.h"

static const struct psv_ip_networks nobody;

static struct psv_client_limit *make(unsigned max, const struct psv_ip_networks *trusted)
{
    struct psv_client_limit *limit = psv_calloc_or_die(1, sizeof(*limit));
    psv_client_limit_init(limit, max, trusted);
    return limit;
}

static bool take(struct psv_client_limit *limit, const char *address, uint64_t now_ns,
                 struct psv_client **ret_client)
{
    struct psv_peer peer = {.remote_port = 1};
    (void)snprintf(peer.remote_address, sizeof(peer.remote_address), "%s", address);
    psv_peer_read_ip(&peer);
    return psv_client_limit_take(limit, &peer, now_ns, ret_client);
}

static void drop(struct psv_client_limit *limit)
{
    psv_client_limit_fini(limit);
    psv_free(limit);
}

static void test_share(void **state)
{
    (void)state;
    struct psv_client_limit *limit = make(2, &nobody);
    struct psv_client *clients[4];
    assert_true(take(limit, "192.0.2.1", 1, &clients[0]));
    assert_true(take(limit, "::ffff:192.0.2.1", 1, &clients[1]));
    assert_ptr_equal(clients[0], clients[1]);
    assert_false(take(limit, "192.0.2.1", 1, &clients[2]));
    assert_null(clients[2]);
    assert_true(take(limit, "192.0.2.2", 1, &clients[2]));
    psv_client_release(clients[0]);
    assert_true(take(limit, "192.0.2.1", 1, &clients[3]));
    for (unsigned i = 1; i < 4; i++) {
        psv_client_release(clients[i]);
    }
    assert_int_equal(limit->clients.len, 0);
    drop(limit);
}

static void test_ipv6(void **state)
{
    (void)state;
    struct psv_client_limit *limit = make(1, &nobody);
    struct psv_client *clients[3];
    assert_true(take(limit, "2001:db8:0:1::1", 1, &clients[0]));
    assert_false(take(limit, "2001:db8:0:1:ffff::2", 1, &clients[2]));
    assert_true(take(limit, "2001:db8:0:2::1", 1, &clients[1]));
    /* ::1 lies in the network of the mapped addresses' first bytes, and is nobody of them */
    assert_true(take(limit, "::1", 1, &clients[2]));
    struct psv_client *fourth;
    assert_true(take(limit, "0.0.0.1", 1, &fourth));
    psv_client_release(fourth);
    for (unsigned i = 0; i < 3; i++) {
        psv_client_release(clients[i]);
    }
    drop(limit);
}

static void test_not_counted(void **state)
{
    (void)state;
    static const char *const exempt[] = {"10.0.0.0/8"};
    static const char *const proxies[] = {"127.0.0.1"};
    struct psv_ip_networks trusted;
    struct psv_error error;
    assert_int_equal(psv_ip_networks_init(&trusted, proxies, 1, &error), PSV_OK);
    struct psv_client_limit *limit = make(1, &trusted);
    assert_int_equal(psv_ip_networks_init(&limit->exempt, exempt, 1, &error), PSV_OK);
    static const char *const addresses[] = {"10.1.2.3", "127.0.0.1", "unix:", ""};
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        for (unsigned k = 0; k < 3; k++) {
            struct psv_client *client;
            assert_true(take(limit, addresses[i], 1, &client));
            assert_null(client);
            psv_client_release(client);
        }
    }
    struct psv_client *client;
    assert_true(take(NULL, "192.0.2.1", 1, &client));
    assert_null(client);
    drop(limit);
    psv_ip_networks_fini(&trusted);
}

/* Without memory a client is let in and not counted. */
static void test_no_memory(void **state)
{
    (void)state;
    struct psv_client_limit *limit = make(1, &nobody);
    for (uint64_t number = 1; number <= 2; number++) {
        struct psv_client *client;
        psv_memory_fail_after(number);
        assert_true(take(limit, "192.0.2.1", 1, &client));
        psv_memory_fail_after(0);
        assert_null(client);
        assert_int_equal(limit->clients.len, 0);
    }
    drop(limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_not_counted),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
