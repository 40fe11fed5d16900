/* Connections: opening, reading, closing and timeouts.  The output queue is in connection_send.c.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#include "connection.h"

#include <event2/event.h>
#include <string.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "net/client_limit.h"
#include "net/connection_send.h"
#include "net/layer.h"
#include "net/loop.h"
#include "observe/metrics.h"
#include "os/fd.h"

static void on_event(evutil_socket_t fd, short events, void *context);
static void read_pending(struct psv_loop_task *task);
static void read_on_later(struct psv_connection *connection);

static void count_close(enum psv_close_reason reason)
{
    static const enum psv_metric_id series[] = {
#define X(id, series) PSV_METRIC_CONNECTIONS_CLOSED_##series,
        PSV_CLOSE_TABLE(X)
#undef X
    };
    psv_metric_inc(series[reason]);
    psv_metric_add(PSV_METRIC_CONNECTIONS_ACTIVE, -1);
}

/* Registers for exactly what is wanted now; nothing at all while paused with an empty queue. */
static void update_event(struct psv_connection *connection)
{
    short wanted = 0;

    if (!connection->is_read_paused && !connection->has_eof) {
        wanted = (short)(wanted | EV_READ);
    }
    if (connection->wants_write || connection->layer_wants_write) {
        wanted = (short)(wanted | EV_WRITE);
    }
    short current = event_get_events(&connection->event);
    if ((current & (EV_READ | EV_WRITE)) == wanted &&
        event_pending(&connection->event, EV_READ | EV_WRITE, NULL)) {
        return;
    }
    (void)event_del(&connection->event);
    if (wanted == 0) {
        return;
    }
    (void)event_assign(&connection->event, connection->service->loop->base, connection->fd,
                       (short)(wanted | EV_PERSIST), on_event, connection);
    (void)event_add(&connection->event, NULL);
}

static void free_connection(struct psv_loop_task *task)
{
    struct psv_connection *connection = CONTAINER_OF(task, struct psv_connection, burial);

    CHECK_MAGIC(connection, PSV_CONNECTION_MAGIC);
    connection->magic = 0;
    psv_free(connection);
}

void psv_service_tell_overload(struct psv_service *service, int fd, unsigned status)
{
    char answer[512];

    if (service->layer == &psv_layer_tls || service->inner_layer == &psv_layer_tls) {
        return;
    }
    size_t len = service->codec->format_overload(service, status, answer, sizeof(answer));
    /* as far as an empty socket buffer takes it: all.  What the client has sent is thrown away, because bytes
     * that nobody read would make the kernel reset the connection, and the answer be lost */
    (void)!send(fd, answer, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)!recv(fd, NULL, PSV_LOOP_READ_BYTES, MSG_TRUNC | MSG_DONTWAIT);
}

int psv_connection_open(struct psv_service *service, int fd, const struct psv_peer *peer,
                        struct psv_client *client_take)
{
    struct psv_connection *connection = psv_calloc(1, sizeof(*connection));

    if (connection == NULL) {
        psv_client_release(client_take);
        (void)psv_fd_close(fd);
        return PSV_ENOMEM;
    }
    connection->magic = PSV_CONNECTION_MAGIC;
    connection->fd = fd;
    connection->service = service;
    connection->layer = service->layer;
    connection->peer = *peer;
    connection->client = client_take;
    psv_list_init(&connection->out);
    psv_timer_init(&connection->timer);
    psv_list_init(&connection->burial.link);
    connection->burial.run = free_connection;
    psv_list_init(&connection->read_task.link);
    connection->read_task.run = read_pending;
    connection->codec = &psv_codec_chooser;
    if (connection->layer->open != NULL && connection->layer->open(connection) != PSV_OK) {
        psv_client_release(client_take);
        (void)psv_fd_close(fd);
        psv_free(connection);
        return PSV_ENOMEM;
    }
    (void)!connection->codec->on_open(connection); /* the chooser needs no memory */
    psv_list_append(&service->connections, &connection->link);
    service->connections_len++;
    if (service->is_counted) {
        psv_metric_inc(PSV_METRIC_CONNECTIONS_ACCEPTED);
        psv_metric_inc(PSV_METRIC_CONNECTIONS_ACTIVE);
    }
    (void)event_assign(&connection->event, service->loop->base, fd, EV_READ | EV_PERSIST, on_event,
                       connection);
    if (event_add(&connection->event, NULL) != 0) {
        psv_connection_close(connection, PSV_CLOSE_INTERNAL);
    }
    return PSV_OK;
}

void psv_connection_close(struct psv_connection *connection, enum psv_close_reason reason)
{
    struct psv_service *service = connection->service;

    if (connection->is_closed) {
        return;
    }
    connection->is_closed = true;
    (void)event_del(&connection->event);
    psv_connection_set_timer(connection, NULL);
    psv_loop_task_cancel(&connection->read_task);
    psv_body_pieces_release(&connection->out);
    connection->layer->fini(connection);
    connection->fd = psv_fd_close(connection->fd);
    psv_client_release(TAKE(&connection->client));
    service->connections_len--;
    if (service->is_counted) {
        count_close(reason);
    }
    psv_list_remove(&connection->link);
    psv_loop_bury(service->loop, &connection->burial);
    connection->codec->on_close(connection, reason);
}

void psv_connection_reset(struct psv_connection *connection, enum psv_close_reason reason)
{
    if (!connection->is_closed) {
        struct linger hard = {.l_onoff = 1, .l_linger = 0};
        connection->is_broken = true; /* no goodbye: the peer must notice */
        (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        psv_connection_close(connection, reason);
    }
}

/* A request that nobody has read yet: it came while the loop did something else, or had no processor. */
static bool has_input(const struct psv_connection *connection)
{
    char byte;

    return connection->has_pending_input ||
           recv(connection->fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* While the server stops, and no request has begun. */
static bool is_quiet(const struct psv_connection *connection)
{
    const struct psv_service *service = connection->service;

    return service->is_draining &&
           (connection->timer_queue == service->drain_timer || connection->codec == &psv_codec_chooser);
}

void psv_connection_end_idle(struct psv_connection *connection, struct psv_timer_queue *grace)
{
    const struct psv_service *service = connection->service;
    const struct psv_timer_queue *idle = service->idle_timer;
    uint64_t grace_ns = grace->duration_ns;

    if (connection->timer_queue == idle && idle->duration_ns > grace_ns &&
        connection->timer.deadline_ns + grace_ns <= service->loop->now_ns + idle->duration_ns &&
        !has_input(connection)) {
        psv_connection_close(connection, PSV_CLOSE_DRAIN);
    } else {
        psv_connection_set_timer(connection, grace);
    }
}

void psv_connection_await_first(struct psv_connection *connection)
{
    const struct psv_service *service = connection->service;

    psv_connection_set_timer(connection, service->is_draining ? service->header_timer : service->idle_timer);
}

void psv_service_drain(struct psv_service *service)
{
    service->is_draining = true;
    PSV_LIST_FOR_EACH(node, &service->connections)
    {
        struct psv_connection *connection = PSV_LIST_ENTRY(node, struct psv_connection, link);
        connection->codec->drain(connection);
    }
}

/* Input that the layer holds has no event to announce it. */
static void read_on_later(struct psv_connection *connection)
{
    if (connection->has_pending_input && !connection->is_closed && !connection->is_read_paused &&
        !connection->has_eof) {
        psv_loop_defer(connection->service->loop, &connection->read_task);
    }
}

static void read_some(struct psv_connection *connection)
{
    struct psv_loop *loop = connection->service->loop;
    const struct psv_codec *codec = connection->codec;
    size_t len_max = PSV_LOOP_READ_BYTES;
    char *room = codec->lend_room != NULL ? codec->lend_room(connection, &len_max) : NULL;
    char *data = room != NULL ? room : loop->read_buffer;
    ssize_t len = connection->layer->read(connection, data, len_max);

    if (len > 0) {
        codec->on_data(connection, data, (size_t)len);
        read_on_later(connection);
    } else if (len == 0) {
        connection->has_eof = true;
        update_event(connection);
        codec->on_eof(connection);
    } else if (len == PSV_EGONE) {
        psv_connection_close(connection, PSV_CLOSE_PEER);
    }
}

static void read_pending(struct psv_loop_task *task)
{
    struct psv_connection *connection = CONTAINER_OF(task, struct psv_connection, read_task);

    CHECK_MAGIC(connection, PSV_CONNECTION_MAGIC);
    if (!connection->is_closed && !connection->is_read_paused && !connection->has_eof) {
        read_some(connection);
    }
}

static void write_some(struct psv_connection *connection)
{
    struct psv_send_result result = psv_connection_flush(connection);

    if (result.is_gone) {
        psv_connection_close(connection, PSV_CLOSE_PEER);
        return;
    }
    if (result.is_drained) {
        psv_connection_want_write(connection, false);
    }
    if (result.bytes > 0 || result.is_drained) {
        connection->codec->on_sent(connection, result.bytes, result.is_drained);
    }
}

static void on_event(evutil_socket_t fd, short events, void *context)
{
    struct psv_connection *connection = context;

    (void)fd;
    CHECK_MAGIC(connection, PSV_CONNECTION_MAGIC);
    psv_loop_touch(connection->service->loop);
    /* write first: a client that pipelines gets its answers before it is asked for more */
    if ((events & EV_WRITE) != 0 && !connection->is_closed && connection->wants_write) {
        write_some(connection);
    }
    bool is_layer_writable =
        (events & EV_WRITE) != 0 && !connection->is_closed && connection->layer_wants_write;
    if (((events & EV_READ) != 0 || is_layer_writable) && !connection->is_closed &&
        !connection->is_read_paused && !connection->has_eof) {
        read_some(connection);
    }
}

void psv_connection_want_write(struct psv_connection *connection, bool wants_write)
{
    if (connection->wants_write != wants_write) {
        connection->wants_write = wants_write;
        update_event(connection);
    }
}

void psv_connection_want_layer_write(struct psv_connection *connection, bool wants_write)
{
    if (connection->layer_wants_write != wants_write) {
        connection->layer_wants_write = wants_write;
        update_event(connection);
    }
}

void psv_connection_pause_read(struct psv_connection *connection, bool is_paused)
{
    if (connection->is_read_paused != is_paused && !connection->is_closed) {
        connection->is_read_paused = is_paused;
        update_event(connection);
        read_on_later(connection);
    }
}

void psv_connection_shutdown_write(struct psv_connection *connection)
{
    if (!connection->is_closed) {
        connection->layer->shutdown_write(connection);
    }
}

void psv_connection_set_timer(struct psv_connection *connection, struct psv_timer_queue *queue)
{
    connection->timer_queue = queue;
    if (queue == NULL) {
        psv_timer_stop(&connection->timer);
    } else {
        psv_timer_start(queue, &connection->timer, connection->service->loop->now_ns);
    }
}

void psv_connection_on_timer(struct psv_timer *timer, void *context)
{
    struct psv_connection *connection = CONTAINER_OF(timer, struct psv_connection, timer);

    (void)context;
    CHECK_MAGIC(connection, PSV_CONNECTION_MAGIC);
    if (is_quiet(connection) && has_input(connection)) {
        psv_connection_set_timer(connection, connection->timer_queue); /* its event is still to come */
        return;
    }
    connection->codec->on_timeout(connection, connection->timer_queue);
}
