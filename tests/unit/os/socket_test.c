/* Addresses from and to text, listening and accepting on the loopback.
 *
 * SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "limit.h"
#include "table.h"

#include "base/error.h"
#include "os/fd.h"
#include "os/socket.h"

static void test_parse_address(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        struct psv_bytes text;
        int family;
        bool is_wildcard;
        const char *host;
        uint16_t port;
        const char *formatted;
    } cases[] = {
        {ROW("ipv4"), PSV_BYTES_INIT("127.0.0.1:8080"), AF_INET, false, "127.0.0.1", 8080, "127.0.0.1:8080"},
        {ROW("any ipv4"), PSV_BYTES_INIT("0.0.0.0:80"), AF_INET, false, "0.0.0.0", 80, "0.0.0.0:80"},
        {ROW("ipv6"), PSV_BYTES_INIT("[::1]:80"), AF_INET6, false, "::1", 80, "[::1]:80"},
        {ROW("ipv6 is shortened"), PSV_BYTES_INIT("[2001:DB8:0:0:0:0:0:1]:443"), AF_INET6, false,
         "2001:db8::1", 443, "[2001:db8::1]:443"},
        {ROW("any ipv6"), PSV_BYTES_INIT("[::]:80"), AF_INET6, false, "::", 80, "[::]:80"},
        {ROW("mapped ipv4"), PSV_BYTES_INIT("[::ffff:192.0.2.1]:80"), AF_INET6, false, "192.0.2.1", 80,
         "192.0.2.1:80"},
        {ROW("longest"), PSV_BYTES_INIT("[1111:2222:3333:4444:5555:6666:7777:8888]:65535"), AF_INET6, false,
         "1111:2222:3333:4444:5555:6666:7777:8888", 65535, "[1111:2222:3333:4444:5555:6666:7777:8888]:65535"},
        {ROW("localhost"), PSV_BYTES_INIT("LocalHost:1"), AF_INET, false, "127.0.0.1", 1, "127.0.0.1:1"},
        {ROW("star"), PSV_BYTES_INIT("*:80"), AF_INET6, true, "::", 80, "*:80"},
        {ROW("only a port"), PSV_BYTES_INIT(":8080"), AF_INET6, true, "::", 8080, "*:8080"},
        {ROW("free port"), PSV_BYTES_INIT("127.0.0.1:0"), AF_INET, false, "127.0.0.1", 0, "127.0.0.1:0"},
        {ROW("unix"), PSV_BYTES_INIT("unix:/run/x:1.sock"), AF_UNIX, false, "unix:", 0, "unix:/run/x:1.sock"},
    };
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_socket_address address;
        struct psv_error error = {0};
        char host[PSV_SOCKET_HOST_MAX];
        char text[PSV_SOCKET_TEXT_MAX];
        assert_int_equal(psv_socket_parse_address(row->text, &address, &error), 0);
        assert_int_equal(address.of.any.sa_family, row->family);
        assert_int_equal(address.is_wildcard, row->is_wildcard);
        assert_int_equal(psv_socket_port(&address), row->port);
        assert_int_equal(psv_socket_format_host(&address, host), strlen(row->host));
        assert_string_equal(host, row->host);
        assert_int_equal(psv_socket_format_address(&address, text), strlen(row->formatted));
        assert_string_equal(text, row->formatted);
    }
}

static void test_parse_malformed(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        struct psv_bytes text;
        const char *sentence;
    } cases[] = {
        {ROW("empty"), PSV_BYTES_INIT(""), "has no port"},
        {ROW("no port"), PSV_BYTES_INIT("127.0.0.1"), "has no port"},
        {ROW("empty port"), PSV_BYTES_INIT("127.0.0.1:"), "the port is not a number"},
        {ROW("port too large"), PSV_BYTES_INIT("127.0.0.1:65536"), "the port is not a number"},
        {ROW("negative port"), PSV_BYTES_INIT("127.0.0.1:-1"), "the port is not a number"},
        {ROW("named port"), PSV_BYTES_INIT("127.0.0.1:http"), "the port is not a number"},
        {ROW("ipv6 without port"), PSV_BYTES_INIT("[::1]"), "the port is not a number"},
        {ROW("ipv6 without brackets"), PSV_BYTES_INIT("::1:80"), "needs brackets"},
        {ROW("bracket not closed"), PSV_BYTES_INIT("[::1:80"), "needs brackets"},
        {ROW("nothing in brackets"), PSV_BYTES_INIT("[]:80"), "the host is not"},
        {ROW("ipv4 in brackets"), PSV_BYTES_INIT("[127.0.0.1]:80"), "the host is not"},
        {ROW("star in brackets"), PSV_BYTES_INIT("[*]:80"), "the host is not"},
        {ROW("zone"), PSV_BYTES_INIT("[fe80::1%eth0]:80"), "the host is not"},
        {ROW("name"), PSV_BYTES_INIT("example.com:80"), "the host is not"},
        {ROW("short ipv4"), PSV_BYTES_INIT("127.1:80"), "the host is not"},
        {ROW("leading zeros"), PSV_BYTES_INIT("127.0.0.01:80"), "the host is not"},
        {ROW("NUL inside"), PSV_BYTES_INIT("127.0.0.1\0x:80"), "the host is not"},
        {ROW("unix without path"), PSV_BYTES_INIT("unix:"), "write unix:/path"},
        {ROW("unix relative"), PSV_BYTES_INIT("unix:x.sock"), "write unix:/path"},
        {ROW("unix with NUL"), PSV_BYTES_INIT("unix:/x\0y"), "write unix:/path"},
        {ROW("unix too long"),
         PSV_BYTES_INIT(
             "unix:/2345678901234567890123456789012345678901234567890123456789012345678901234567890"
             "1234567890123456789012345678"),
         "of at most 107 bytes"},
        {ROW("host too long"), PSV_BYTES_INIT("1111111111111111111111111111111111111111111111111111:80"),
         "the host is not"},
    };
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_socket_address address = {.len = 12345};
        struct psv_error error = {0};
        assert_int_equal(psv_socket_parse_address(row->text, &address, &error), PSV_ESYNTAX);
        assert_int_equal(address.len, 12345);
        assert_non_null(strstr(error.message, row->sentence));
        assert_int_equal(psv_socket_parse_address(row->text, &address, NULL), PSV_ESYNTAX);
    }
}

static void test_next_address(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        struct psv_bytes list;
        struct psv_bytes parts[4];
        size_t parts_len;
    } cases[] = {
        {ROW("nothing"), PSV_BYTES_INIT(""), {{0}}, 0},
        {ROW("one"), PSV_BYTES_INIT("*:80"), {PSV_BYTES_INIT("*:80")}, 1},
        {ROW("two"), PSV_BYTES_INIT("*:80, unix:/x"), {PSV_BYTES_INIT("*:80"), PSV_BYTES_INIT("unix:/x")}, 2},
        {ROW("an empty one is seen"),
         PSV_BYTES_INIT("a,,b"),
         {PSV_BYTES_INIT("a"), PSV_BYTES_INIT(""), PSV_BYTES_INIT("b")},
         3},
    };
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_bytes rest = row->list;
        struct psv_bytes text;
        for (size_t i = 0; i < row->parts_len; i++) {
            assert_true(psv_socket_next_address(&rest, &text));
            assert_true(psv_bytes_equal(text, row->parts[i]));
        }
        assert_false(psv_socket_next_address(&rest, &text));
    }
}

static void test_address_from(void **state)
{
    (void)state;
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(80)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(81)};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr packet = {.sa_family = AF_PACKET};
    struct psv_socket_address address;
    char host[PSV_SOCKET_HOST_MAX];
    assert_int_equal(psv_socket_address_from((struct sockaddr *)&ipv4, sizeof(ipv4), &address), 0);
    assert_int_equal(psv_socket_port(&address), 80);
    assert_false(address.is_wildcard);
    assert_int_equal(psv_socket_address_from((struct sockaddr *)&ipv6, sizeof(ipv6), &address), 0);
    assert_int_equal(psv_socket_port(&address), 81);
    assert_int_equal(psv_socket_address_from((struct sockaddr *)&ipv4, sizeof(ipv4) - 1, &address),
                     PSV_EUNSUPPORTED);
    assert_int_equal(psv_socket_address_from((struct sockaddr *)&ipv6, sizeof(ipv4), &address),
                     PSV_EUNSUPPORTED);
    assert_int_equal(psv_socket_address_from((struct sockaddr *)&packet, sizeof(packet), &address),
                     PSV_EUNSUPPORTED);
    assert_int_equal(psv_socket_address_from((struct sockaddr *)&ipv4, 0, &address), PSV_EUNSUPPORTED);
    assert_int_equal(psv_socket_port(&address), 81); /* untouched by the failures */
    assert_int_equal(psv_socket_address_from((struct sockaddr *)&local, sizeof(sa_family_t), &address), 0);
    assert_true(psv_socket_is_unix(&address));
    assert_int_equal(psv_socket_format_host(&address, host), 5);
    assert_string_equal(host, "unix:"); /* clients of a unix socket have no name */
}

static struct psv_socket_address parse(const char *text)
{
    struct psv_socket_address address;
    assert_int_equal(psv_socket_parse_address(psv_bytes_of(text), &address, NULL), 0);
    return address;
}

static int connect_to(const char *host, uint16_t port)
{
    char text[64];
    snprintf(text, sizeof(text), strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
    struct psv_socket_address address = parse(text);
    int fd = socket(address.of.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &address.of.any, address.len), 0);
    return fd;
}

static int accept_soon(int listener, struct psv_socket_address *ret_peer)
{
    struct pollfd watched = {.fd = listener, .events = POLLIN};
    int fd = -1;
    assert_int_equal(poll(&watched, 1, 60000), 1);
    assert_int_equal(psv_socket_accept(listener, &fd, ret_peer), 0);
    return fd;
}

static int option_of(int fd, int level, int option)
{
    int value = -1;
    socklen_t len = sizeof(value);
    assert_int_equal(getsockopt(fd, level, option, &value, &len), 0);
    return value;
}

static bool has_ipv6(void)
{
    struct psv_socket_address address = parse("[::1]:0");
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool can_bind = fd >= 0 && bind(fd, &address.of.any, address.len) == 0;
    psv_fd_close(fd);
    return can_bind;
}

static void test_listen_and_accept(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        const char *listen_on;
        const char *connect_to;
        bool needs_ipv6;
    } cases[] = {
        {ROW("ipv4"), "127.0.0.1:0", "127.0.0.1", false},
        {ROW("any ipv4"), "0.0.0.0:0", "127.0.0.1", false},
        {ROW("wildcard, client by ipv4"), "*:0", "127.0.0.1", false},
        {ROW("wildcard, client by ipv6"), "*:0", "::1", true},
        {ROW("ipv6"), "[::1]:0", "::1", true},
        {ROW("any ipv6, client by ipv4"), "[::]:0", "127.0.0.1", true},
    };
    bool is_ipv6_here = has_ipv6();
    TABLE_FOR_EACH(row, cases)
    {
        if (row->needs_ipv6 && !is_ipv6_here)
            continue;
        struct psv_socket_address address = parse(row->listen_on);
        struct psv_socket_address bound, peer, own;
        struct psv_listen_options options = {.backlog = 0};
        struct psv_error error = {0};
        int listener = -1;
        assert_int_equal(psv_socket_listen(&address, &options, &listener, &bound, &error), 0);
        assert_int_not_equal(psv_socket_port(&bound), 0);
        assert_int_equal(bound.is_wildcard, address.is_wildcard);
        assert_true((fcntl(listener, F_GETFL) & O_NONBLOCK) != 0);
        assert_true((fcntl(listener, F_GETFD) & FD_CLOEXEC) != 0);
        assert_int_equal(option_of(listener, SOL_SOCKET, SO_REUSEADDR), 1);

        int unused = -1;
        assert_int_equal(psv_socket_accept(listener, &unused, &peer), PSV_EAGAIN);
        int client = connect_to(row->connect_to, psv_socket_port(&bound));
        int server = accept_soon(listener, &peer);
        assert_true((fcntl(server, F_GETFL) & O_NONBLOCK) != 0);
        assert_true((fcntl(server, F_GETFD) & FD_CLOEXEC) != 0);
        char host[PSV_SOCKET_HOST_MAX];
        psv_socket_format_host(&peer, host);
        assert_string_equal(host, row->connect_to); /* also from an IPv6 socket */
        assert_int_equal(psv_socket_local_address(server, &own), 0);
        assert_int_equal(psv_socket_port(&own), psv_socket_port(&bound));

        psv_socket_set_nodelay(server, true);
        assert_int_not_equal(option_of(server, IPPROTO_TCP, TCP_NODELAY), 0);
        psv_socket_set_nodelay(server, false);
        assert_int_equal(option_of(server, IPPROTO_TCP, TCP_NODELAY), 0);
        assert_int_equal(psv_socket_take_error(server), 0);
        close(client);
        close(server);
        close(listener);
    }
}

static void test_listen_options(void **state)
{
    (void)state;
    struct psv_socket_address address = parse("127.0.0.1:0");
    struct psv_socket_address bound;
    struct psv_listen_options options = {.backlog = 16, .has_reuse_port = true};
    int first = -1;
    int second = -1;
    assert_int_equal(psv_socket_listen(&address, &options, &first, &bound, NULL), 0);
    assert_int_equal(psv_socket_listen(&bound, &options, &second, NULL, NULL), 0); /* the same port again */
    close(first);
    close(second);
    if (!has_ipv6())
        return;
    address = parse("[::]:0");
    options = (struct psv_listen_options){.is_ipv6_only = true};
    assert_int_equal(psv_socket_listen(&address, &options, &first, NULL, NULL), 0);
    assert_int_equal(option_of(first, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    close(first);
    address = parse("*:0");
    assert_int_equal(psv_socket_listen(&address, &options, &first, NULL, NULL), 0);
    assert_int_equal(option_of(first, IPPROTO_IPV6, IPV6_V6ONLY), 0); /* a wildcard takes both */
    close(first);
}

static void test_listen_failures(void **state)
{
    (void)state;
    struct psv_socket_address address = parse("127.0.0.1:0");
    struct psv_socket_address bound;
    struct psv_listen_options options = {.backlog = 0};
    struct psv_error error = {0};
    int listener = -1;
    int second = -1;
    assert_int_equal(psv_socket_listen(&address, &options, &listener, &bound, &error), 0);
    assert_int_equal(psv_socket_listen(&bound, &options, &second, NULL, &error), PSV_EEXIST);
    assert_int_equal(second, -1);
    char expected[128];
    snprintf(expected, sizeof(expected), "cannot listen on 127.0.0.1:%u: Address already in use",
             (unsigned)psv_socket_port(&bound));
    assert_string_equal(error.message, expected);
    close(listener);

    address = parse("192.0.2.1:0"); /* documentation only: nobody's address */
    assert_int_equal(psv_socket_listen(&address, &options, &listener, NULL, &error), PSV_ENOENT);
    assert_string_equal(error.message, "cannot listen on 192.0.2.1:0: Cannot assign requested address");

    address = parse("127.0.0.1:0");
    struct rlimit before = limit_to(RLIMIT_NOFILE, 0);
    int result = psv_socket_listen(&address, &options, &listener, NULL, &error);
    limit_back(RLIMIT_NOFILE, &before);
    assert_int_equal(result, PSV_ELIMIT);
}

static void test_accept_failures(void **state)
{
    (void)state;
    struct psv_socket_address address = parse("127.0.0.1:0");
    struct psv_socket_address bound, peer;
    struct psv_listen_options options = {.backlog = 0};
    int listener = -1;
    int fd = -1;
    assert_int_equal(psv_socket_listen(&address, &options, &listener, &bound, NULL), 0);
    int client = connect_to("127.0.0.1", psv_socket_port(&bound));
    struct rlimit before = limit_to(RLIMIT_NOFILE, 0);
    int result = psv_socket_accept(listener, &fd, &peer);
    limit_back(RLIMIT_NOFILE, &before);
    assert_int_equal(result, PSV_ELIMIT);
    fd = accept_soon(listener, &peer);                                /* it waited */
    assert_int_equal(psv_socket_accept(fd, &client, &peer), PSV_EIO); /* no listener */
    close(fd);
    close(client);
    close(listener);
    assert_int_equal(psv_socket_accept(-1, &fd, &peer), PSV_EIO);
    assert_int_equal(psv_socket_local_address(-1, &peer), PSV_EGONE);
    assert_int_equal(psv_socket_take_error(-1), PSV_EIO);
}

static void test_take_error_of_a_refused_connection(void **state)
{
    (void)state;
    struct psv_socket_address address = parse("127.0.0.1:0");
    struct psv_socket_address bound;
    struct psv_listen_options options = {.backlog = 0};
    int listener = -1;
    assert_int_equal(psv_socket_listen(&address, &options, &listener, &bound, NULL), 0);
    int client = connect_to("127.0.0.1", psv_socket_port(&bound));
    struct psv_socket_address peer;
    int server = accept_soon(listener, &peer);
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    close(client); /* with a reset instead of an end */
    struct pollfd watched = {.fd = server, .events = POLLIN};
    assert_int_equal(poll(&watched, 1, 60000), 1);
    assert_int_equal(psv_socket_take_error(server), PSV_EGONE);
    assert_int_equal(psv_socket_take_error(server), 0); /* taken */
    close(server);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_address),
        cmocka_unit_test(test_parse_malformed),
        cmocka_unit_test(test_next_address),
        cmocka_unit_test(test_address_from),
        cmocka_unit_test(test_listen_and_accept),
        cmocka_unit_test(test_listen_options),
        cmocka_unit_test(test_listen_failures),
        cmocka_unit_test(test_accept_failures),
        cmocka_unit_test(test_take_error_of_a_refused_connection),
    };
    return cmocka_run_group_tests_name("os/socket", tests, NULL, NULL);
}
