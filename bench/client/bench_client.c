/* A client of HTTP/1.1 for what wrk does not do: an open loop (requests leave at a rate whatever the server
 * does, and their latency counts from the moment at which they were due), and a few requests at a time that
 * take turns over many connections. One thread; prints one line of JSON.
 *
 * usage: bench_client --port N --path PATH --seconds S [--connections N] [--rate N | --in-flight N] [--body
 * FILE]
 *                     [--type TYPE] [--field "NAME: VALUE"]... [--wait]
 * --wait: prints "ready" when all connections are open, begins when a line comes in, and keeps them until its
 * input ends.
 *
 * SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"
#include "response.h"

#define CONNECTIONS_MAX 60000u
#define PER_SOURCE 5000u /* connections from each of 127.0.0.2, 127.0.0.3, ... */
#define EVENTS 512
#define DRAIN_NS 10000000000ull /* for answers to what was asked within the time */
#define HEAD_MAX 16384

struct connection {
    int fd;
    bool is_busy;
    bool is_dead; /* ended by the server while it was idle */
    bool wants_write;
    size_t sent;
    uint64_t due_ns;
    struct response response;
};

static struct {
    unsigned port, connections, seconds, in_flight;
    unsigned long long rate; /* requests per second; 0 = closed loop */
    const char *path, *type, *body_path;
} options = {.connections = 1, .seconds = 1, .path = "/", .type = "application/octet-stream"};

static char head[HEAD_MAX];
static size_t head_len;
static char *request;
static size_t request_len;
static struct connection *connections;
static uint32_t *idle; /* a ring: who has waited longest is next */
static size_t idle_begin, idle_len;
static unsigned busy;
static int poll_fd;
static struct histogram accepted, refused;
static uint64_t accepted_in_time, refused_in_time, others, broken, reconnects, failed_connects, sent_requests;
static uint64_t end_ns;
static bool waits;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static _Noreturn void fail(const char *what)
{
    char text[128] = "";
    fprintf(stderr, "bench_client: %s: %s\n", what, strerror_r(errno, text, sizeof(text)));
    exit(1);
}

static void put_idle(uint32_t index)
{
    idle[(idle_begin + idle_len) % options.connections] = index;
    idle_len++;
}

static uint32_t take_idle(void)
{
    uint32_t index = idle[idle_begin];
    idle_begin = (idle_begin + 1) % options.connections;
    idle_len--;
    return index;
}

/* ---- connections */

static bool open_connection(uint32_t index)
{
    struct connection *connection = &connections[index];
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("socket");
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(0x7f000002u + index / PER_SOURCE)};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)options.port),
                             .sin_addr.s_addr = htonl(0x7f000001u)};
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        close(fd);
        failed_connects++;
        return false;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        fail("epoll_ctl");
    connection->fd = fd;
    connection->wants_write = connection->is_dead = false;
    return true;
}

static void reopen(uint32_t index)
{
    close(connections[index].fd);
    connections[index].fd = -1;
    reconnects++;
    if (open_connection(index))
        put_idle(index);
}

static void want_write(uint32_t index, bool wanted)
{
    struct connection *connection = &connections[index];
    if (connection->wants_write == wanted)
        return;
    connection->wants_write = wanted;
    struct epoll_event event = {.events = EPOLLIN | (wanted ? (uint32_t)EPOLLOUT : 0u), .data.u32 = index};
    if (epoll_ctl(poll_fd, EPOLL_CTL_MOD, connection->fd, &event) != 0)
        fail("epoll_ctl");
}

/* ---- requests */

static void finish(uint32_t index, bool is_whole)
{
    struct connection *connection = &connections[index];
    uint64_t now = now_ns();
    uint64_t latency_us = (now - connection->due_ns) / 1000;
    connection->is_busy = false;
    busy--;
    if (!is_whole) {
        broken++;
    } else if (connection->response.status == 200) {
        histogram_add(&accepted, latency_us);
        accepted_in_time += now <= end_ns;
    } else if (connection->response.status == 503) {
        histogram_add(&refused, latency_us);
        refused_in_time += now <= end_ns;
    } else {
        others++;
    }
    if (!is_whole || connection->response.closes)
        reopen(index);
    else
        put_idle(index);
}

static void send_rest(uint32_t index)
{
    struct connection *connection = &connections[index];
    while (connection->sent < request_len) {
        ssize_t len =
            send(connection->fd, request + connection->sent, request_len - connection->sent, MSG_NOSIGNAL);
        if (len > 0) {
            connection->sent += (size_t)len;
        } else if (len < 0 && errno == EAGAIN) {
            want_write(index, true);
            return;
        } else if (len < 0 && errno == EINTR) {
            continue;
        } else {
            /* The server may have answered before it had read everything: what it said is read next. */
            connection->sent = request_len;
        }
    }
    want_write(index, false);
}

static void begin(uint64_t due_ns)
{
    uint32_t index = take_idle();
    struct connection *connection = &connections[index];
    if (connection->is_dead) {
        close(connection->fd);
        connection->fd = -1;
        reconnects++;
        if (!open_connection(index))
            return;
    }
    connection->is_busy = true;
    connection->sent = 0;
    connection->due_ns = due_ns;
    response_begin(&connection->response);
    busy++;
    sent_requests++;
    send_rest(index);
}

static void on_readable(uint32_t index)
{
    static char piece[262144];
    struct connection *connection = &connections[index];
    ssize_t len = recv(connection->fd, piece, sizeof(piece), 0);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (!connection->is_busy) { /* an idle connection was ended: it leaves the ring when its turn comes */
        if (len > 0)
            broken++;
        connection->is_dead = true;
        epoll_ctl(poll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
        return;
    }
    if (len > 0)
        response_feed(&connection->response, piece, (size_t)len);
    else
        response_end(&connection->response);
    if (connection->response.state == RESPONSE_DONE)
        finish(index, true);
    else if (connection->response.state == RESPONSE_BROKEN)
        finish(index, false);
}

/* ---- the loop */

static void wait_for_events(uint64_t until_ns)
{
    struct epoll_event events[EVENTS];
    uint64_t now = now_ns();
    uint64_t left = until_ns > now ? until_ns - now : 0;
    struct timespec timeout = {.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};
    long count = syscall(SYS_epoll_pwait2, poll_fd, events, EVENTS, &timeout, NULL, 0);
    if (count < 0 && errno != EINTR)
        fail("epoll_pwait2");
    for (long i = 0; i < count; i++) {
        uint32_t index = events[i].data.u32;
        if (connections[index].fd >= 0 && (events[i].events & EPOLLOUT) != 0 &&
            connections[index].wants_write)
            send_rest(index);
        if (connections[index].fd >= 0 && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
            on_readable(index);
    }
}

/** Returns how many requests were due in that time and could not be sent for want of a connection. */
static uint64_t run(uint64_t start_ns)
{
    uint64_t count = 0;
    unsigned limit = options.in_flight > 0 ? options.in_flight : options.connections;
    end_ns = start_ns + options.seconds * 1000000000ull;
    for (uint64_t now = now_ns(); now < end_ns; now = now_ns()) {
        uint64_t until = end_ns;
        if (options.rate == 0) {
            while (idle_len > 0 && busy < limit)
                begin(now_ns());
        } else {
            uint64_t due = start_ns + (uint64_t)((double)count * 1e9 / (double)options.rate);
            while (due <= now && idle_len > 0) {
                begin(due);
                count++;
                due = start_ns + (uint64_t)((double)count * 1e9 / (double)options.rate);
            }
            if (idle_len > 0 && due < until)
                until = due;
        }
        wait_for_events(until);
    }
    for (uint64_t now = now_ns(); busy > 0 && now < end_ns + DRAIN_NS; now = now_ns())
        wait_for_events(end_ns + DRAIN_NS);
    uint64_t due = options.rate * options.seconds;
    return options.rate > 0 && due > count ? due - count : 0;
}

static void report(uint64_t unsent)
{
    const uint64_t answered = accepted.total + refused.total +
                              others; /* also those after the end: they have cost the server something */
    printf("{\"requests\": %llu, \"answered\": %llu, \"duration_us\": %llu, \"sent\": %llu, \"unsent\": "
           "%llu, \"unfinished\": %u, "
           "\"reconnects\": %llu, "
           "\"refused\": %llu, \"refused_p50_us\": %llu, \"refused_p99_us\": %llu, \"refused_max_us\": %llu, "
           "\"p50_us\": %llu, \"p90_us\": %llu, \"p99_us\": %llu, \"p999_us\": %llu, \"max_us\": %llu, "
           "\"errors\": {\"connect\": %llu, \"broken\": %llu, \"status\": %llu}}\n",
           (unsigned long long)accepted_in_time, (unsigned long long)answered, options.seconds * 1000000ull,
           (unsigned long long)sent_requests, (unsigned long long)unsent, busy,
           (unsigned long long)reconnects, (unsigned long long)refused_in_time,
           (unsigned long long)histogram_at(&refused, 50000),
           (unsigned long long)histogram_at(&refused, 99000), (unsigned long long)refused.max_us,
           (unsigned long long)histogram_at(&accepted, 50000),
           (unsigned long long)histogram_at(&accepted, 90000),
           (unsigned long long)histogram_at(&accepted, 99000),
           (unsigned long long)histogram_at(&accepted, 99900), (unsigned long long)accepted.max_us,
           (unsigned long long)failed_connects, (unsigned long long)broken, (unsigned long long)others);
}

/* ---- the command line */

static unsigned number(const char *text, unsigned most)
{
    unsigned long long value = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9' || (value = value * 10 + (unsigned)(*p - '0')) > most) {
            fprintf(stderr, "bench_client: %s is no number up to %u\n", text, most);
            exit(2);
        }
    }
    return (unsigned)value;
}

static void add_field(const char *line)
{
    int len = snprintf(head + head_len, sizeof(head) - head_len, "%s\r\n", line);
    if (len < 0 || head_len + (size_t)len >= sizeof(head)) {
        fprintf(stderr, "bench_client: too many fields\n");
        exit(2);
    }
    head_len += (size_t)len;
}

static void make_request(void)
{
    size_t body_len = 0;
    const char *body = "";
    if (options.body_path != NULL) {
        struct stat facts;
        int fd = open(options.body_path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &facts) != 0)
            fail(options.body_path);
        body_len = (size_t)facts.st_size;
        body = mmap(NULL, body_len, PROT_READ, MAP_PRIVATE, fd, 0);
        if (body == MAP_FAILED)
            fail(options.body_path);
        close(fd);
    }
    request = malloc(HEAD_MAX * 2 + body_len);
    if (request == NULL)
        fail("malloc");
    int len = snprintf(request, HEAD_MAX * 2, "%s %s HTTP/1.1\r\nHost: localhost\r\n%.*s",
                       options.body_path ? "POST" : "GET", options.path, (int)head_len, head);
    if (options.body_path != NULL)
        len += snprintf(request + len, HEAD_MAX * 2 - (size_t)len,
                        "Content-Type: %s\r\nContent-Length: %zu\r\n", options.type, body_len);
    len += snprintf(request + len, HEAD_MAX * 2 - (size_t)len, "\r\n");
    memcpy(request + len, body, body_len);
    request_len = (size_t)len + body_len;
}

static void parse_arguments(int argc, char **argv)
{
    static const struct option table[] = {
        {"port", required_argument, NULL, 'p'},
        {"path", required_argument, NULL, 'u'},
        {"rate", required_argument, NULL, 'r'},
        {"connections", required_argument, NULL, 'c'},
        {"body", required_argument, NULL, 'b'},
        {"in-flight", required_argument, NULL, 'i'},
        {"type", required_argument, NULL, 't'},
        {"seconds", required_argument, NULL, 's'},
        {"field", required_argument, NULL, 'f'},
        {"wait", no_argument, NULL, 'w'},
        {NULL, 0, NULL, 0},
    };
    int letter;
    while ((letter = getopt_long(argc, argv, "", table, NULL)) != -1) {
        switch (letter) {
        case 'p':
            options.port = number(optarg, 65535);
            break;
        case 'u':
            options.path = optarg;
            break;
        case 'r':
            options.rate = number(optarg, 10000000);
            break;
        case 'c':
            options.connections = number(optarg, CONNECTIONS_MAX);
            break;
        case 'b':
            options.body_path = optarg;
            break;
        case 'i':
            options.in_flight = number(optarg, CONNECTIONS_MAX);
            break;
        case 't':
            options.type = optarg;
            break;
        case 's':
            options.seconds = number(optarg, 3600);
            break;
        case 'f':
            add_field(optarg);
            break;
        case 'w':
            waits = true;
            break;
        default:
            exit(2);
        }
    }
    if (options.port == 0 || options.connections == 0 || options.seconds == 0 || optind != argc) {
        fprintf(stderr, "usage: bench_client --port N --path PATH --seconds S [--connections N] [--rate N | "
                        "--in-flight N] "
                        "[--body FILE] [--type TYPE] [--field FIELD]...\n");
        exit(2);
    }
}

/** Opening and closing connections is not what is measured: the runner says when. */
static void wait_for_line(const char *said)
{
    char letter = '\0';
    fputs(said, stdout);
    fflush(stdout);
    while (letter != '\n' && read(STDIN_FILENO, &letter, 1) == 1) {
    }
}

int main(int argc, char **argv)
{
    parse_arguments(argc, argv);
    make_request();
    prctl(PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul); /* else requests are late by 50 us */
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    connections = calloc(options.connections, sizeof(*connections));
    idle = calloc(options.connections, sizeof(*idle));
    if (poll_fd < 0 || connections == NULL || idle == NULL)
        fail("no memory");
    for (uint32_t index = 0; index < options.connections; index++) {
        if (!open_connection(index))
            fail("connect");
        put_idle(index);
    }
    if (waits)
        wait_for_line("ready\n");
    report(run(now_ns()));
    if (waits)
        wait_for_line("");
    return 0;
}
