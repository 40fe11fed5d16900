/* The PROXY protocol in front of another layer: takes the header off, says whom it names, and steps aside.
 * [loop]
 *
 * Not a byte beyond the header is taken from the socket: the next layer may be TLS, which reads for itself.
 *
 * SPDX-License-Identifier: MIT */
#include "layer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/memory.h"
#include "net/client_limit.h"
#include "net/connection.h"
#include "net/proxy_header.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "os/ip_network.h"

struct proxy_state {
    size_t len;
    char header[PSV_PROXY_HEADER_MAX];
};

static int proxy_open(struct psv_connection *connection)
{
    struct proxy_state *state = psv_malloc(sizeof(*state));

    if (state == NULL) {
        return PSV_ENOMEM;
    }
    state->len = 0;
    connection->layer_state = state;
    return PSV_OK;
}

static void proxy_fini(struct psv_connection *connection)
{
    connection->layer_state = psv_free(connection->layer_state);
}

static ssize_t refuse(struct psv_connection *connection, const char *reason)
{
    psv_metric_inc(PSV_METRIC_PROXY_HEADERS_REFUSED);
    PSV_LOG(PSV_LOG_WARN, "proxy.header_refused", PSV_LOG_TEXT("remote", connection->peer.remote_address),
            PSV_LOG_TEXT("reason", reason));
    return PSV_EGONE;
}

static bool is_trusted(const struct psv_connection *connection)
{
    const struct psv_ip_networks *trusted = connection->service->proxies;
    const struct psv_peer *peer = &connection->peer;

    return trusted->len == 0 || (peer->has_remote_ip && psv_ip_networks_hold(trusted, &peer->remote_ip));
}

static void use_header(struct psv_connection *connection, const struct psv_proxy_header *header)
{
    struct psv_peer *peer = &connection->peer;

    psv_metric_inc(PSV_METRIC_PROXY_HEADERS_TAKEN);
    if (header->is_local) {
        return; /* the proxy's own connection */
    }
    memcpy(peer->remote_address, header->remote_address, sizeof(peer->remote_address));
    psv_peer_read_ip(peer);
    memcpy(peer->local_address, header->local_address, sizeof(peer->local_address));
    peer->remote_port = header->remote_port;
    peer->local_port = header->local_port;
}

/* The client is known now, and may have too many connections. */
static bool is_within_limit(struct psv_connection *connection)
{
    struct psv_service *service = connection->service;

    if (psv_client_limit_take(service->client_limit, &connection->peer, service->loop->now_ns,
                              &connection->client)) {
        return true;
    }
    psv_service_tell_overload(service, connection->fd, 429);
    psv_connection_close(connection, PSV_CLOSE_LIMIT);
    return false;
}

/* Hands over to the next layer, and reads on there. */
static ssize_t step_aside(struct psv_connection *connection, void *out, size_t len)
{
    if (!is_within_limit(connection)) {
        return PSV_EGONE;
    }
    proxy_fini(connection);
    connection->layer = connection->service->inner_layer;
    if (connection->layer->open == NULL) {
        psv_connection_await_first(connection);
    } else if (connection->layer->open(connection) != PSV_OK) {
        return PSV_EGONE;
    }
    return connection->layer->read(connection, out, len);
}

/* Takes from the socket what belongs to the header for certain: version 1 is looked at before it is taken,
 * because only its end tells where it ends.  Bytes, 0 at the end of the stream, PSV_EAGAIN, PSV_EGONE. */
static ssize_t take(struct psv_connection *connection, struct proxy_state *state, size_t wanted)
{
    char *at = state->header + state->len;
    ssize_t seen = recv(connection->fd, at, wanted - state->len, MSG_PEEK);

    if (seen < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? PSV_EAGAIN : PSV_EGONE;
    }
    return seen == 0 ? 0 : recv(connection->fd, at, (size_t)seen, 0);
}

static ssize_t proxy_read(struct psv_connection *connection, void *out, size_t len)
{
    struct proxy_state *state = connection->layer_state;
    struct psv_proxy_header header;

    if (!is_trusted(connection)) {
        return refuse(connection, "not from a trusted proxy");
    }
    for (;;) {
        size_t wanted = psv_proxy_header_read((struct psv_bytes){state->header, state->len}, &header);
        if (wanted == 0) {
            return refuse(connection, "no valid header");
        }
        if (wanted <= state->len) {
            use_header(connection, &header);
            return step_aside(connection, out, len);
        }
        ssize_t taken = take(connection, state, wanted);
        if (taken <= 0) {
            return taken;
        }
        state->len += (size_t)taken;
    }
}

/* Nothing is sent before the header is complete. */
static ssize_t proxy_write(struct psv_connection *connection, const struct iovec *parts, int parts_len,
                           bool has_more)
{
    (void)connection, (void)parts, (void)parts_len, (void)has_more;
    return PSV_EGONE;
}

static ssize_t proxy_send_file(struct psv_connection *connection, int fd, uint64_t offset, uint64_t len)
{
    (void)connection, (void)fd, (void)offset, (void)len;
    return PSV_EGONE;
}

static void proxy_shutdown_write(struct psv_connection *connection)
{
    (void)shutdown(connection->fd, SHUT_WR);
}

const struct psv_layer psv_layer_proxy = {
    .name = "proxy",
    .open = proxy_open,
    .read = proxy_read,
    .write = proxy_write,
    .send_file = proxy_send_file,
    .shutdown_write = proxy_shutdown_write,
    .fini = proxy_fini,
};
