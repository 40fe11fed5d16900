/* Accepting connections; see listener.h.
 *
 * SPDX-License-Identifier: MIT */
#include "listener.h"

#include "base/memory.h"
#include "net/client_limit.h"
#include "net/layer.h"
#include "net/loop.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "os/fd.h"
#include "os/socket.h"

/* Connections taken per turn: enough to empty a burst, few enough to keep serving the others. */
#define ACCEPT_BATCH 64
/* Connections taken at the end: more than a backlog holds, but an end even while others keep coming. */
#define ACCEPT_REST 8192
/* Rest after a failed accept: descriptors do not come back within microseconds. */
#define PAUSE_NS 100000000u

struct psv_listener {
    struct psv_service *service;
    struct psv_loop_watch *watch;
    struct psv_timer_queue pause_queue;
    struct psv_timer pause_timer;
    int fd;
    unsigned connections_max;
    bool is_paused;
};

static void pause_accepting(struct psv_listener *listener)
{
    struct psv_loop *loop = listener->service->loop;

    if (!listener->is_paused) {
        listener->is_paused = true;
        psv_loop_watch_pause(listener->watch, true);
    }
    psv_timer_start(&listener->pause_queue, &listener->pause_timer, loop->now_ns);
}

static void on_pause_over(struct psv_timer *timer, void *context)
{
    struct psv_listener *listener = context;

    (void)timer;
    listener->is_paused = false;
    psv_loop_watch_pause(listener->watch, false);
}

static void fill_local(int fd, struct psv_peer *ret_peer)
{
    struct psv_socket_address local;

    if (psv_socket_local_address(fd, &local) == PSV_OK) {
        (void)psv_socket_format_host(&local, ret_peer->local_address);
        ret_peer->local_port = psv_socket_port(&local);
    }
}

/* At the limit: an idle connection makes room, or the new client is refused at once. */
static bool has_room(struct psv_listener *listener, int fd)
{
    const struct psv_codec *codec = listener->service->codec;

    if (listener->service->connections_len < listener->connections_max ||
        codec->close_idle_one(listener->service)) {
        return true;
    }
    psv_metric_inc(PSV_METRIC_CONNECTIONS_CLOSED_LIMIT);
    psv_service_tell_overload(listener->service, fd, 503);
    return false;
}

/* One client's share, then room for anybody: an idle connection does not make room for who is refused anyway.
 * With the PROXY protocol the client is known later. */
static bool is_admitted(struct psv_listener *listener, int fd, const struct psv_peer *peer,
                        struct psv_client **ret_client)
{
    struct psv_service *service = listener->service;
    struct psv_client_limit *limit = service->layer != &psv_layer_proxy ? service->client_limit : NULL;

    if (!psv_client_limit_take(limit, peer, service->loop->now_ns, ret_client)) {
        psv_service_tell_overload(service, fd, 429);
        return false;
    }
    if (!has_room(listener, fd)) {
        psv_client_release(TAKE(ret_client));
        return false;
    }
    return true;
}

/* One accept: false when the batch is over. */
static bool accept_one(struct psv_listener *listener)
{
    struct psv_peer peer = {0};
    struct psv_socket_address remote;
    struct psv_client *client = NULL;
    int fd = -1;
    int code = psv_socket_accept(listener->fd, &fd, &remote);

    if (code == PSV_EAGAIN) {
        return false;
    }
    if (code == PSV_EGONE) {
        return true; /* this client left before it was accepted; the next may be there */
    }
    if (code == PSV_OK) {
        (void)psv_socket_format_host(&remote, peer.remote_address);
        psv_peer_read_ip(&peer);
        peer.remote_port = psv_socket_port(&remote);
        if (!is_admitted(listener, fd, &peer, &client)) {
            (void)psv_fd_close(fd);
            return true;
        }
        psv_socket_set_nodelay(fd, true);
        fill_local(fd, &peer);
        code = psv_connection_open(listener->service, fd, &peer, client);
    }
    if (code != PSV_OK) {
        PSV_LOG(PSV_LOG_WARN, "listener.accept_failed", PSV_LOG_TEXT("reason", psv_error_text(code)));
        pause_accepting(listener);
        return false;
    }
    return true;
}

static void on_readable(int fd, void *context)
{
    struct psv_listener *listener = context;

    (void)fd;
    for (unsigned i = 0; i < ACCEPT_BATCH; i++) {
        if (!accept_one(listener)) {
            return;
        }
    }
}

void psv_listener_accept_rest(struct psv_listener *listener)
{
    for (unsigned i = 0; i < ACCEPT_REST && accept_one(listener); i++) {
    }
}

int psv_listener_new(const struct psv_listener_options *options, struct psv_listener **ret_listener,
                     struct psv_error *reterr)
{
    struct psv_listener *listener = psv_calloc(1, sizeof(*listener));

    if (listener == NULL) {
        (void)psv_fd_close(options->fd);
        return psv_error_set(reterr, PSV_ENOMEM, "cannot create a listener: out of memory");
    }
    listener->service = options->service;
    listener->fd = options->fd;
    listener->connections_max = options->connections_max;
    psv_timer_init(&listener->pause_timer);
    psv_timer_queue_init(&listener->pause_queue, &options->service->loop->wheel, PAUSE_NS, on_pause_over,
                         listener);
    listener->watch = psv_loop_watch_new(options->service->loop, options->fd, on_readable, listener);
    if (listener->watch == NULL) {
        (void)psv_listener_free(listener);
        return psv_error_set(reterr, PSV_ENOMEM, "cannot watch a listening socket: out of memory");
    }
    *ret_listener = listener;
    return PSV_OK;
}

struct psv_listener *psv_listener_free(struct psv_listener *listener)
{
    if (listener != NULL) {
        psv_timer_stop(&listener->pause_timer);
        psv_list_remove(&listener->pause_queue.link);
        (void)psv_loop_watch_free(listener->watch);
        listener->fd = psv_fd_close(listener->fd);
        psv_free(listener);
    }
    return NULL;
}
