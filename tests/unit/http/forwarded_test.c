/* http/forwarded.c: Forwarded and X-Forwarded-*.
 *
 * SPDX-License-Identifier: MIT */
#include "http/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct psv_field fields[8];
    struct psv_headers headers;
    struct psv_forwarded_hop hops[PSV_FORWARDED_HOPS_MAX];
};

static void add(struct fixture *fixture, const char *name, const char *value)
{
    struct psv_field *field = &fixture->fields[fixture->headers.len++];
    field->name = psv_bytes_of(name);
    field->value = psv_bytes_of(value);
    field->id = psv_field_find(field->name);
    fixture->headers.items = fixture->fields;
}

static void assert_text(struct psv_bytes text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    assert_true(psv_bytes_equal(text, psv_bytes_of(expected)));
}

static void the_nearest_hop_comes_first(void **state)
{
    struct fixture fixture = {0};
    (void)state;
    add(&fixture, "Forwarded", "for=192.0.2.1;proto=https;host=\"a:1\", for=\"[2001:db8::1]:80\"");
    add(&fixture, "forwarded", "for=_x, proto=http");
    assert_int_equal(psv_forwarded_read(&fixture.headers, fixture.hops), 4);
    assert_text(fixture.hops[0].address, "");
    assert_text(fixture.hops[0].proto, "http");
    assert_text(fixture.hops[1].address, "");
    assert_text(fixture.hops[2].address, "2001:db8::1");
    assert_int_equal(fixture.hops[2].port, 80);
    assert_text(fixture.hops[3].address, "192.0.2.1");
    assert_text(fixture.hops[3].proto, "https");
    assert_text(fixture.hops[3].host, "a:1");
}

static void x_fields_are_told_of_all_hops(void **state)
{
    struct fixture fixture = {0};
    (void)state;
    add(&fixture, "X-Forwarded-For", "192.0.2.1, 192.0.2.2:99");
    add(&fixture, "x-forwarded-proto", "http, https");
    add(&fixture, "X-Forwarded-Port", "8443");
    assert_int_equal(psv_x_forwarded_read(&fixture.headers, fixture.hops), 2);
    assert_text(fixture.hops[0].address, "192.0.2.2");
    assert_int_equal(fixture.hops[0].port, 99);
    assert_text(fixture.hops[1].proto, "https");
    assert_int_equal(fixture.hops[1].host_port, 8443);
}

static void a_scheme_without_an_address_is_a_hop(void **state)
{
    struct fixture fixture = {0};
    (void)state;
    assert_int_equal(psv_x_forwarded_read(&fixture.headers, fixture.hops), 0);
    assert_int_equal(psv_forwarded_read(&fixture.headers, fixture.hops), 0);
    add(&fixture, "X-Forwarded-Proto", "https");
    assert_int_equal(psv_x_forwarded_read(&fixture.headers, fixture.hops), 1);
    assert_text(fixture.hops[0].address, "");
}

static void of_too_many_the_nearest_are_kept(void **state)
{
    struct fixture fixture = {0};
    char text[4096];
    size_t len = 0;
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s192.0.2.%u", i > 0 ? "," : "", i);
    }
    add(&fixture, "X-Forwarded-For", text);
    assert_int_equal(psv_x_forwarded_read(&fixture.headers, fixture.hops), PSV_FORWARDED_HOPS_MAX);
    assert_text(fixture.hops[0].address, "192.0.2.99");
    assert_text(fixture.hops[PSV_FORWARDED_HOPS_MAX - 1].address, "192.0.2.68");
}

static void nodes(void **state)
{
    static const struct {
        const char *text;
        const char *address;
        unsigned port;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", 0},
        {"192.0.2.1:0", "192.0.2.1", 0},
        {"192.0.2.1:65535", "192.0.2.1", 65535},
        {"192.0.2.1:65536", "192.0.2.1", 0},
        {"2001:db8::1", "2001:db8::1", 0},
        {"[2001:db8::1]", "2001:db8::1", 0},
        {"[2001:db8::1]:7", "2001:db8::1", 7},
        {"[2001:db8::1", "", 0},
        {"[2001:db8::1]x", "", 0},
        {"[", "", 0},
        {"[]", "", 0},
        {"]", "", 0},
        {":", "", 0},
        {"unknown", "", 0},
        {"_a", "", 0},
        {"\"192.0.2.1", "", 0},
        {"\"192.0.2.1\"", "192.0.2.1", 0},
        {"1.2.3.4 5", "", 0},
        {"host.example:80", "", 80},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct fixture fixture = {0};
        print_message("%s\n", rows[i].text);
        add(&fixture, "X-Forwarded-For", rows[i].text);
        assert_int_equal(psv_x_forwarded_read(&fixture.headers, fixture.hops), 1);
        assert_text(fixture.hops[0].address, rows[i].address);
        assert_int_equal(fixture.hops[0].port, rows[i].port);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_hop_comes_first),
        cmocka_unit_test(x_fields_are_told_of_all_hops),
        cmocka_unit_test(a_scheme_without_an_address_is_a_hop),
        cmocka_unit_test(of_too_many_the_nearest_are_kept),
        cmocka_unit_test(nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
