/* Tests of http/authority.c.
 *
 * SPDX-License-Identifier: MIT */
#include "http_test.h"

#include "http/authority.h"

static const struct good_row {
    const char *name;
    const char *text;
    const char *host;
    unsigned port;
} good_rows[] = {
    {"RFC 3986 3.2.2 reg-name", "example.com", "example.com", 0},
    {"RFC 3986 3.2.3 port", "example.com:8080", "example.com", 8080},
    {"RFC 3986 3.2.3 empty port", "example.com:", "example.com", 0},
    {"highest port", "a:65535", "a", 65535},
    {"leading zeros", "a:0000000080", "a", 80},
    {"trailing dot", "example.com.:1", "example.com.", 1},
    {"case stays", "EXAMPLE.com", "EXAMPLE.com", 0},
    {"underscore", "my_service:80", "my_service", 80},
    {"sub-delims", "a!$&'()*+;=~b", "a!$&'()*+;=~b", 0},
    {"pct-encoded", "a%C3%A4b:1", "a%C3%A4b", 1},
    {"IPv4", "127.0.0.1:80", "127.0.0.1", 80},
    {"what is no IPv4 is a name", "999.1.1", "999.1.1", 0},
    {"IPv6 any", "[::]", "[::]", 0},
    {"IPv6 loopback and port", "[::1]:8080", "[::1]", 8080},
    {"IPv6 empty port", "[::1]:", "[::1]", 0},
    {"IPv6 in full", "[2001:DB8:0:0:8:800:200c:417a]", "[2001:DB8:0:0:8:800:200c:417a]", 0},
    {"IPv6 gap at the end", "[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7::]", 0},
    {"IPv6 gap at the beginning", "[::2:3:4:5:6:7:8]", "[::2:3:4:5:6:7:8]", 0},
    {"IPv6 gap in the middle", "[1::8]", "[1::8]", 0},
    {"IPv6 with IPv4 tail", "[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]", 0},
    {"IPv6 IPv4 only behind the gap", "[::192.0.2.255]", "[::192.0.2.255]", 0},
    {"IPv6 in full with IPv4 tail", "[1:2:3:4:5:6:0.0.0.0]", "[1:2:3:4:5:6:0.0.0.0]", 0},
    {"IPv6 longest", "[0000:0000:0000:0000:0000:0000:255.255.255.255]",
     "[0000:0000:0000:0000:0000:0000:255.255.255.255]", 0},
};

static void test_good(void **state)
{
    (void)state;
    FOR_ROWS(struct good_row, row, good_rows)
    {
        struct psv_bytes host;
        uint16_t port = 1234;
        ROW_INT(row, psv_authority_parse(psv_bytes_of(row->text), &host, &port), 0);
        ROW_TEXT(row, host, psv_bytes_of(row->host));
        ROW_INT(row, port, row->port);
    }
}

/* RFC 3986 3.2.2: unreserved and sub-delims, but the comma.  '%' begins an escape, ':' a port. */
static void test_every_byte_of_a_name(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        char text[3] = {'a', (char)byte, 'b'};
        struct psv_bytes host;
        uint16_t port;
        bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        bool is_other = byte != 0 && strchr("0123456789-._~!$&'()*+;=", byte) != NULL;
        bool is_good = psv_authority_parse((struct psv_bytes){text, sizeof(text)}, &host, &port) == 0;
        assert_int_equal(is_good, is_letter || is_other);
    }
}

static const struct bad_row {
    const char *name;
    struct psv_bytes text;
} bad_rows[] = {
    {"user information", PSV_BYTES_INIT("user@example.com")},
    {"user and password", PSV_BYTES_INIT("user:secret@example.com")},
    {"blank", PSV_BYTES_INIT("exam ple.com")},
    {"leading blank", PSV_BYTES_INIT(" example.com")},
    {"tab", PSV_BYTES_INIT("example.com\t")},
    {"comma", PSV_BYTES_INIT("a,b")},
    {"list", PSV_BYTES_INIT("a, b")},
    {"path", PSV_BYTES_INIT("example.com/")},
    {"query", PSV_BYTES_INIT("example.com?a")},
    {"fragment", PSV_BYTES_INIT("example.com#a")},
    {"backslash", PSV_BYTES_INIT("example.com\\a")},
    {"quote", PSV_BYTES_INIT("a\"b")},
    {"angle bracket", PSV_BYTES_INIT("<script>")},
    {"NUL", PSV_BYTES_INIT("a\0b")},
    {"bytes above 127", PSV_BYTES_INIT("\xc3\xa4.example")},
    {"port without host", PSV_BYTES_INIT(":80")},
    {"colon only", PSV_BYTES_INIT(":")},
    {"two ports", PSV_BYTES_INIT("a:80:80")},
    {"port 0", PSV_BYTES_INIT("a:0")},
    {"port above 65535", PSV_BYTES_INIT("a:65536")},
    {"port beyond 32 bits", PSV_BYTES_INIT("a:4294967376")},
    {"port with a sign", PSV_BYTES_INIT("a:+80")},
    {"port with letters", PSV_BYTES_INIT("a:80b")},
    {"port with a blank", PSV_BYTES_INIT("a:80 ")},
    {"malformed escape", PSV_BYTES_INIT("a%4")},
    {"malformed escape digits", PSV_BYTES_INIT("a%g0")},
    {"escaped NUL", PSV_BYTES_INIT("a%00")},
    {"escaped line feed", PSV_BYTES_INIT("a%0ab")},
    {"escaped DEL", PSV_BYTES_INIT("a%7F")},
    {"IPv6 without brackets", PSV_BYTES_INIT("::1")},
    {"IPv6 not closed", PSV_BYTES_INIT("[::1")},
    {"IPv6 empty", PSV_BYTES_INIT("[]")},
    {"IPv6 one colon", PSV_BYTES_INIT("[:]")},
    {"IPv6 three colons", PSV_BYTES_INIT("[:::]")},
    {"IPv6 two gaps", PSV_BYTES_INIT("[1::2::3]")},
    {"IPv6 seven groups", PSV_BYTES_INIT("[1:2:3:4:5:6:7]")},
    {"IPv6 nine groups", PSV_BYTES_INIT("[1:2:3:4:5:6:7:8:9]")},
    {"IPv6 eight groups and a gap", PSV_BYTES_INIT("[1:2:3:4::5:6:7:8]")},
    {"IPv6 five digits", PSV_BYTES_INIT("[12345::]")},
    {"IPv6 other letters", PSV_BYTES_INIT("[::g]")},
    {"IPv6 leading colon", PSV_BYTES_INIT("[:1:2:3:4:5:6:7]")},
    {"IPv6 trailing colon", PSV_BYTES_INIT("[1:2:3:4:5:6:7:]")},
    {"IPv6 IPv4 before the gap", PSV_BYTES_INIT("[1.2.3.4::]")},
    {"IPv6 IPv4 not last", PSV_BYTES_INIT("[::1.2.3.4:1]")},
    {"IPv6 IPv4 with three octets", PSV_BYTES_INIT("[::1.2.3]")},
    {"IPv6 IPv4 with a trailing dot", PSV_BYTES_INIT("[::1.2.3.4.]")},
    {"IPv6 IPv4 octet above 255", PSV_BYTES_INIT("[::1.2.3.256]")},
    {"IPv6 IPv4 leading zero", PSV_BYTES_INIT("[::1.2.3.04]")},
    {"IPv6 IPv4 empty octet", PSV_BYTES_INIT("[::1..3.4]")},
    {"IPv6 IPv4 letters", PSV_BYTES_INIT("[::1.2.3.a]")},
    {"IPv6 zone", PSV_BYTES_INIT("[fe80::1%25eth0]")},
    {"IPvFuture", PSV_BYTES_INIT("[v1.a]")},
    {"IPv6 and text", PSV_BYTES_INIT("[::1]a")},
    {"too long for IPv6", PSV_BYTES_INIT("[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]")},
};

static void test_bad(void **state)
{
    struct psv_bytes host = PSV_BYTES("untouched");
    uint16_t port = 7;
    (void)state;
    FOR_ROWS(struct bad_row, row, bad_rows)
    {
        ROW_INT(row, psv_authority_parse(row->text, &host, &port), PSV_ESYNTAX);
        ROW_TEXT(row, host, PSV_BYTES("untouched"));
        ROW_INT(row, port, 7);
    }
    assert_int_equal(psv_authority_parse(PSV_BYTES(""), &host, &port), PSV_EEMPTY);
    assert_int_equal(psv_authority_parse(PSV_BYTES_EMPTY, &host, &port), PSV_EEMPTY);
}

static const struct resolve_row {
    const char *name;
    enum psv_http_version version;
    const char *authority; /* from the target */
    const char *fields;
    int error;
    const char *expected_authority;
    const char *expected_host;
    unsigned expected_port;
} resolve_rows[] = {
    {"RFC 9112 3.2 Host", PSV_HTTP_1_1, "", "Host: a:81", 0, "a:81", "a", 81},
    {"RFC 9112 3.2 no Host in HTTP/1.1", PSV_HTTP_1_1, "", "", PSV_ESYNTAX, NULL, NULL, 0},
    {"RFC 9112 3.2 no Host beside an absolute target", PSV_HTTP_1_1, "b", "", PSV_ESYNTAX, NULL, NULL, 0},
    {"RFC 9112 3.2 no Host in HTTP/1.0", PSV_HTTP_1_0, "", "", 0, "", "", 0},
    {"Host in HTTP/1.0", PSV_HTTP_1_0, "", "Host: a", 0, "a", "a", 0},
    {"RFC 9112 3.2 two Hosts", PSV_HTTP_1_1, "", "Host: a\nHost: b", PSV_ESYNTAX, NULL, NULL, 0},
    {"RFC 9112 3.2 two equal Hosts", PSV_HTTP_1_1, "", "Host: a\nHost: a", PSV_ESYNTAX, NULL, NULL, 0},
    {"two Hosts in HTTP/1.0", PSV_HTTP_1_0, "", "Host: a\nhost: a", PSV_ESYNTAX, NULL, NULL, 0},
    {"two Hosts beside an absolute target", PSV_HTTP_1_1, "b", "Host: a\nHost: a", PSV_ESYNTAX, NULL, NULL,
     0},
    {"malformed Host", PSV_HTTP_1_1, "", "Host: a/b", PSV_ESYNTAX, NULL, NULL, 0},
    {"malformed Host beside an absolute target", PSV_HTTP_1_1, "b", "Host: a b", PSV_ESYNTAX, NULL, NULL, 0},
    {"RFC 9112 3.3 empty Host", PSV_HTTP_1_1, "", "Host: ", 0, "", "", 0},
    {"RFC 9112 3.2.2 the target wins", PSV_HTTP_1_1, "b:82", "Host: a:81", 0, "b:82", "b", 82},
    {"RFC 9112 3.2.2 the target wins over an empty Host", PSV_HTTP_1_1, "b", "Host: ", 0, "b", "b", 0},
    {"RFC 9113 8.3.1 :authority", PSV_HTTP_2, "b:82", "", 0, "b:82", "b", 82},
    {"RFC 9113 8.3.1 only Host", PSV_HTTP_2, "", "Host: a:81", 0, "a:81", "a", 81},
    {"RFC 9113 8.3.1 both agree", PSV_HTTP_2, "A:81", "Host: a:81", 0, "A:81", "A", 81},
    {"RFC 9113 8.3.1 both differ", PSV_HTTP_2, "b", "Host: a", PSV_ESYNTAX, NULL, NULL, 0},
    {"RFC 9113 8.3.1 Host empty", PSV_HTTP_2, "b", "Host: ", PSV_ESYNTAX, NULL, NULL, 0},
    {"RFC 9113 8.3.1 neither", PSV_HTTP_2, "", "", PSV_ESYNTAX, NULL, NULL, 0},
    {"RFC 9113 8.3.1 malformed :authority", PSV_HTTP_2, "u@b", "", PSV_ESYNTAX, NULL, NULL, 0},
};

static void test_host_is_resolved(void **state)
{
    (void)state;
    FOR_ROWS(struct resolve_row, row, resolve_rows)
    {
        struct psv_arena arena;
        psv_arena_init(&arena, 1 << 16);
        struct psv_request request = request_with(&arena, PSV_METHOD_GET, row->version, row->fields);
        request.authority = psv_bytes_of(row->authority);
        ROW_INT(row, psv_host_resolve(&request), row->error);
        if (row->error == 0) {
            ROW_TEXT(row, request.authority, psv_bytes_of(row->expected_authority));
            ROW_TEXT(row, request.host, psv_bytes_of(row->expected_host));
            ROW_INT(row, request.port, row->expected_port);
            ROW_CHECK(row, request.authority.data != NULL && request.host.data != NULL);
        }
        psv_arena_fini(&arena);
    }
}

static void test_local_hosts(void **state)
{
    static const char *const local[] = {
        "",       "localhost", "localhost.",  "LOCALHOST", "127.0.0.1", "10.1.2.3",   "[::1]",      "app",
        "a.test", "b.A.TEST.", "x.localhost", "a.example", "box.local", "a.internal", "a.home.arpa"};
    static const char *const others[] = {
        "example.org", "a.b.example.org.", "127.0.0.1.example.org", "localhost.example.org", "mytest.org",
        "atest.org",   "a.arpa",           "1.2.3.4a.org"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(local); i++) {
        assert_true(psv_host_is_local(psv_bytes_of(local[i])));
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        assert_false(psv_host_is_local(psv_bytes_of(others[i])));
    }
    assert_true(psv_host_is_local(PSV_BYTES_EMPTY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_local_hosts),          cmocka_unit_test(test_good),
        cmocka_unit_test(test_every_byte_of_a_name), cmocka_unit_test(test_bad),
        cmocka_unit_test(test_host_is_resolved),
    };
    return cmocka_run_group_tests_name("http/authority", tests, NULL, NULL);
}
