/* Connecting and asking, with a deadline, on the loopback.
 *
 * SPDX-License-Identifier: MIT */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "table.h"

#include "base/buffer.h"
#include "base/error.h"
#include "os/clock.h"
#include "os/socket_connect.h"

static struct psv_socket_address parse(struct psv_bytes text)
{
    struct psv_socket_address address;
    assert_int_equal(psv_socket_parse_address(text, &address, NULL), 0);
    return address;
}

static uint64_t after_ms(uint64_t ms)
{
    return psv_clock_monotonic_ns() + ms * PSV_NS_PER_MS;
}

static void test_to_loopback(void **state)
{
    (void)state;
    static const struct {
        TABLE_ROW;
        struct psv_bytes listen;
        const char *connect;
    } cases[] = {
        {ROW("every ipv4"), PSV_BYTES_INIT("0.0.0.0:81"), "127.0.0.1:81"},
        {ROW("every ipv6"), PSV_BYTES_INIT("[::]:81"), "[::1]:81"},
        {ROW("every"), PSV_BYTES_INIT("*:81"), "127.0.0.1:81"},
        {ROW("one"), PSV_BYTES_INIT("192.0.2.1:81"), "192.0.2.1:81"},
        {ROW("one ipv6"), PSV_BYTES_INIT("[2001:db8::1]:81"), "[2001:db8::1]:81"},
        {ROW("unix"), PSV_BYTES_INIT("unix:/run/a"), "unix:/run/a"},
    };
    TABLE_FOR_EACH(row, cases)
    {
        struct psv_socket_address address = parse(row->listen);
        char text[PSV_SOCKET_TEXT_MAX];
        psv_socket_to_loopback(&address);
        (void)psv_socket_format_address(&address, text);
        assert_string_equal(text, row->connect);
    }
}

/* A listener whose kernel side takes connections that nobody accepts yet. */
static int listen_somewhere(struct psv_socket_address *ret_bound)
{
    struct psv_socket_address address = parse(PSV_BYTES("127.0.0.1:0"));
    struct psv_listen_options options = {.backlog = 1};
    int fd = -1;
    assert_int_equal(psv_socket_listen(&address, &options, &fd, ret_bound, NULL), 0);
    return fd;
}

static int accept_waiting(int listener)
{
    struct pollfd poll_fd = {.fd = listener, .events = POLLIN};
    struct psv_socket_address peer;
    int fd = -1;
    assert_int_equal(poll(&poll_fd, 1, 5000), 1);
    assert_int_equal(psv_socket_accept(listener, &fd, &peer), 0);
    return fd;
}

static void test_ask(void **state)
{
    (void)state;
    struct psv_socket_address address;
    struct psv_error error = {0};
    struct psv_buffer answer;
    int listener = listen_somewhere(&address);
    int fd = -1;
    char question[16];

    psv_buffer_init(&answer, 64);
    assert_int_equal(psv_socket_connect(&address, after_ms(5000), &fd, &error), 0);
    int peer = accept_waiting(listener);
    assert_int_equal(write(peer, "answer", 6), 6);
    assert_int_equal(shutdown(peer, SHUT_WR), 0);
    assert_int_equal(psv_socket_ask(fd, PSV_BYTES("question"), after_ms(5000), &answer), 0);
    assert_memory_equal(answer.data, "answer", 6);
    assert_int_equal(answer.len, 6);
    assert_int_equal(read(peer, question, sizeof(question)), 8);
    assert_memory_equal(question, "question", 8);
    close(fd);
    close(peer);

    /* more than the caller has room for */
    assert_int_equal(psv_socket_connect(&address, after_ms(5000), &fd, &error), 0);
    peer = accept_waiting(listener);
    char much[100] = {0};
    assert_int_equal(write(peer, much, sizeof(much)), sizeof(much));
    assert_int_equal(psv_socket_ask(fd, PSV_BYTES("question"), after_ms(5000), &answer), PSV_ELIMIT);
    close(fd);
    close(peer);
    close(listener);
    psv_buffer_fini(&answer);
}

static void test_deadlines(void **state)
{
    (void)state;
    struct psv_socket_address address;
    struct psv_error error = {0};
    struct psv_buffer answer;
    int listener = listen_somewhere(&address);
    int fd = -1;

    psv_buffer_init(&answer, 64);
    assert_int_equal(psv_socket_connect(&address, after_ms(5000), &fd, &error), 0);
    assert_int_equal(psv_socket_ask(fd, PSV_BYTES("question"), after_ms(20), &answer), PSV_ETIMEOUT);
    close(fd);
    assert_int_equal(psv_socket_connect(&address, 0, &fd, &error), PSV_ETIMEOUT);
    assert_non_null(strstr(error.message, "did not take the connection in time"));
    close(listener);
    psv_buffer_fini(&answer);
}

static void test_refused(void **state)
{
    (void)state;
    struct psv_socket_address address;
    struct psv_error error = {0};
    int fd = -1;

    close(listen_somewhere(&address));
    assert_int_not_equal(psv_socket_connect(&address, after_ms(5000), &fd, &error), 0);
    assert_non_null(strstr(error.message, "Connection refused"));
    address = parse(PSV_BYTES("unix:/nonexistent/socket"));
    assert_int_equal(psv_socket_connect(&address, after_ms(5000), &fd, &error), PSV_ENOENT);
    assert_int_equal(fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_to_loopback),
        cmocka_unit_test(test_ask),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
