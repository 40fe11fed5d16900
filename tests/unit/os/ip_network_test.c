/* os/ip_network.c: networks from text, and who is in them.
 *
 * SPDX-License-Identifier: MIT */
#include "os/ip_network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void membership(void **state)
{
    static const struct {
        const char *network;
        const char *ip;
        bool is_in;
    } rows[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "::ffff:10.1.1.1", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "203.0.113.9", true},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/32", "2001:db9::1", false},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"2001:db8::2/127", "2001:db8::3", true},
        {"2001:db8::2/127", "2001:db8::4", false},
        {"2001:db8:0:1::/64", "2001:db8:0:1:ffff::", true},
        {"2001:db8:0:1::/64", "2001:db8:0:2::", false},
        {"2001:db8:0:1::/65", "2001:db8:0:1:8000::", false},
        {"10.1.2.3/8", "10.9.9.9", true}, /* bits of the host mean nothing */
        {"private", "172.31.0.1", true},
        {"private", "172.32.0.1", false},
        {"private", "fd00::1", true},
        {"private", "8.8.8.8", false},
        {"loopback", "127.9.9.9", true},
        {"loopback", "::1", true},
        {"loopback", "10.0.0.1", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct psv_ip_networks networks;
        struct psv_error error;
        struct psv_ip ip;
        print_message("%s %s\n", rows[i].network, rows[i].ip);
        assert_int_equal(psv_ip_networks_init(&networks, &rows[i].network, 1, &error), PSV_OK);
        assert_int_equal(psv_ip_parse(psv_bytes_of(rows[i].ip), &ip), PSV_OK);
        assert_int_equal(psv_ip_networks_hold(&networks, &ip), rows[i].is_in);
        psv_ip_networks_fini(&networks);
    }
}

static void wrong_texts(void **state)
{
    static const char *const rows[] = {
        "",      "x",           "10.0.0",    "10.0.0.0/33", "10.0.0.0/",   "10.0.0.0/8/8", "::/129",
        "[::1]", "10.0.0.1:80", " 10.0.0.1", "Private",     "10.0.0.0/-1", "1.2.3.4.5",    "::1%lo"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct psv_ip_networks networks;
        struct psv_error error = {0};
        print_message("%s\n", rows[i]);
        assert_int_equal(psv_ip_networks_init(&networks, &rows[i], 1, &error), PSV_EINVAL);
        assert_non_null(strstr(error.message, "is no network"));
        assert_null(networks.items);
    }
}

static void formatting(void **state)
{
    static const char *const rows[] = {"192.0.2.1", "2001:db8::1", "::1", "::"};
    char text[PSV_SOCKET_HOST_MAX];
    struct psv_ip ip;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(psv_ip_parse(psv_bytes_of(rows[i]), &ip), PSV_OK);
        assert_int_equal(psv_ip_format(&ip, text), strlen(rows[i]));
        assert_string_equal(text, rows[i]);
    }
    assert_int_equal(psv_ip_parse(PSV_BYTES("::ffff:192.0.2.1"), &ip), PSV_OK);
    (void)psv_ip_format(&ip, text);
    assert_string_equal(text, "192.0.2.1");
    assert_int_equal(psv_ip_parse((struct psv_bytes){"1.2.3.4\0x", 9}, &ip), PSV_ESYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(membership),
        cmocka_unit_test(wrong_texts),
        cmocka_unit_test(formatting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
