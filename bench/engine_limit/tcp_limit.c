/* What TCP costs: one thread that waits for sockets, receives requests and sends one and the same response,
 * without parsing, limits or time-outs. The CPU time of a server's loop is compared with it. Knows nothing of
 * phpsrv.
 *
 * usage: tcp_limit      serves on a free port of 127.0.0.1, which is its first line, until it is ended
 *
 * SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 65536
#define EVENTS_MAX 256
#define RECEIVE_BYTES 16384

static const char response[] = "HTTP/1.1 200 OK\r\n"
                               "Server: limit\r\n"
                               "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                               "Content-Type: text/html; charset=UTF-8\r\n"
                               "Content-Length: 12\r\n"
                               "\r\n"
                               "Hello World\n";

/* How much of the blank line that ends a request has come, by descriptor. */
static uint8_t matched[CONNECTIONS_MAX];

/* How many requests end in these bytes. */
static unsigned count_ends(uint8_t *state, const char *data, size_t len)
{
    static const char end[] = "\r\n\r\n";
    unsigned found = 0;
    for (size_t i = 0; i < len; i++) {
        *state = data[i] == end[*state] ? *state + 1 : data[i] == '\r';
        if (*state == sizeof(end) - 1) {
            *state = 0;
            found++;
        }
    }
    return found;
}

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return -1;
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void accept_all(int epoll, int listener)
{
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (fd >= CONNECTIONS_MAX || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
            close(fd);
            continue;
        }
        matched[fd] = 0;
    }
}

static void serve(int fd)
{
    static char data[RECEIVE_BYTES];
    ssize_t len = recv(fd, data, sizeof(data), 0);
    if (len <= 0) {
        close(fd);
        return;
    }
    for (unsigned n = count_ends(&matched[fd], data, (size_t)len); n > 0; n--) {
        if (send(fd, response, sizeof(response) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(response) - 1) {
            close(fd); /* who does not read what it asked for is not what this is for */
            return;
        }
    }
}

int main(void)
{
    struct epoll_event events[EVENTS_MAX];
    int listener = listen_on_loopback();
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    if (listener < 0 || epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) {
        perror("tcp_limit");
        return 1;
    }
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                accept_all(epoll, listener);
            else
                serve(events[i].data.fd);
        }
    }
}
