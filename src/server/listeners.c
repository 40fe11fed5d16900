/* Sites and their listening sockets; see listeners.h.
 *
 * SPDX-License-Identifier: MIT */
#include "listeners.h"

#include <string.h>

#include "http1/codec.h"
#include "http2/codec.h"
#include "net/layer.h"
#include "net/listener.h"
#include "os/activation.h"
#include "os/limits.h"
#include "server/server_state.h"

/* Descriptors kept free for PHP, logs, spill files and static files. */
#define RESERVED_FDS 256
/* Requests of one HTTP/2 connection that the queue and the workers may hold: a proxy's one connection keeps
 * all workers busy, and one client does not fill the queue. */
#define REQUESTS_PER_CONNECTION 16
#define REQUESTS_PER_WORKER 2
/* Kept connections while the server stops: time for a request that is on its way. */
#define DRAIN_GRACE_MS 1000
/* Sockets of a service manager, of all kinds together. */
#define ACTIVATED_MAX 32

/* The largest of all sites: the pipeline lowers it to the site's. */
static uint64_t body_bytes_max(const struct psv_server *server)
{
    uint64_t max_bytes = 0;

    for (size_t i = 0; i < server->pipeline.sites.len; i++) {
        max_bytes = MAX(max_bytes, server->pipeline.sites.items[i].config->http.body_bytes_max);
    }
    return max_bytes;
}

static void init_h1(struct psv_server *server, struct psv_h1_config *h1)
{
    const struct psv_config_http *http = &server->config->http;
    struct psv_timer_wheel *wheel = &server->loop.wheel;

    h1->request_line_bytes_max = (size_t)http->request_line_bytes_max;
    h1->header_bytes_max = (size_t)http->header_bytes_max;
    h1->header_count_max = (unsigned)http->header_count_max;
    h1->body_bytes_max = body_bytes_max(server);
    h1->body_memory_bytes = (size_t)http->body_memory_bytes;
    h1->pipeline_requests_max = (unsigned)http->pipeline_requests_max;
    h1->sends_server_field = server->config->server.tokens;
    h1->pool = server->exchanges;
    const struct {
        struct psv_timer_queue *queue;
        uint64_t duration_ms;
    } timers[] = {
        {&h1->header_timer, http->header_timeout_ms},       {&h1->body_timer, http->body_idle_timeout_ms},
        {&h1->keepalive_timer, http->keepalive_timeout_ms}, {&h1->write_timer, http->write_timeout_ms},
        {&h1->linger_timer, http->linger_timeout_ms},       {&h1->drain_timer, DRAIN_GRACE_MS},
    };
    for (size_t i = 0; i < ARRAY_SIZE(timers); i++) {
        psv_timer_queue_init(timers[i].queue, wheel, timers[i].duration_ms * 1000000u,
                             psv_connection_on_timer, NULL);
    }
}

/* After init_h1: a connection's timers are the same in both versions. */
static int init_h2(struct psv_server *server, struct psv_server_site *site)
{
    const struct psv_config_http *http = &server->config->http;
    const struct psv_config_http2 *http2 = &server->config->http2;

    site->h2 = (struct psv_h2_config){
        .target_bytes_max = (size_t)http->request_line_bytes_max,
        .header_bytes_max = (size_t)http->header_bytes_max,
        .header_count_max = (unsigned)http->header_count_max,
        .body_bytes_max = site->h1.body_bytes_max,
        .body_memory_bytes = (size_t)http->body_memory_bytes,
        .streams_max = (uint32_t)http2->streams_max,
        .stream_window_bytes = (uint32_t)http2->stream_window_bytes,
        .connection_window_bytes = (uint32_t)http2->connection_window_bytes,
        .unanswered_max = REQUESTS_PER_CONNECTION + REQUESTS_PER_WORKER * server->workers,
        .held_bytes_max = server->config->response.window_bytes,
        .sends_server_field = server->config->server.tokens,
        .pool = server->exchanges,
        .header_timer = &site->h1.header_timer,
        .keepalive_timer = &site->h1.keepalive_timer,
        .write_timer = &site->h1.write_timer,
        .linger_timer = &site->h1.linger_timer,
    };
    return psv_h2_config_init(&site->h2, &server->loop.wheel, http->body_idle_timeout_ms * 1000000u,
                              http->write_timeout_ms * 1000000u);
}

static void init_service(struct psv_server *server, struct psv_server_site *site,
                         const struct psv_exchange_host *host)
{
    site->service.loop = &server->loop;
    site->service.codec = &psv_h1_codec;
    site->service.codec_config = &site->h1;
    if (server->config->http2.enabled) {
        site->service.preface_codec = &psv_h2_codec;
        site->service.preface_codec_config = &site->h2;
    }
    site->service.idle_timer = &site->h1.keepalive_timer;
    site->service.header_timer = &site->h1.header_timer;
    site->service.drain_timer = &site->h1.drain_timer;
    const struct psv_layer *layer = site == &server->secure ? &psv_layer_tls : &psv_layer_plain;
    bool has_proxy_header = server->config->proxy.protocol && site != &server->admin;
    site->service.layer = has_proxy_header ? &psv_layer_proxy : layer;
    site->service.inner_layer = layer;
    site->service.proxies = &server->pipeline.clients.trusted;
    site->service.tls = server->tls;
    site->service.host = host;
    site->service.is_counted = site != &server->admin;
    site->service.client_limit =
        server->client_limit.max > 0 && site->service.is_counted ? &server->client_limit : NULL;
    psv_list_init(&site->service.connections);
}

/* The descriptors that the connections of a site may have. */
static unsigned connections_max(const struct psv_server *server)
{
    uint64_t fds = psv_limits_raise_open_files();
    uint64_t room = fds > 2 * RESERVED_FDS ? fds - RESERVED_FDS : fds / 2;

    return (unsigned)MIN(server->config->http.connections_max, room);
}

static void note_address(struct psv_server_site *site, const struct psv_socket_address *address)
{
    size_t len = strlen(site->address);

    if (len + PSV_SOCKET_TEXT_MAX + 1 < sizeof(site->address)) {
        if (len > 0) {
            site->address[len++] = ',';
        }
        (void)psv_socket_format_address(address, site->address + len);
    }
}

/* Takes its descriptor. */
static int add_listener(struct psv_server *server, struct psv_server_site *site,
                        struct psv_server_listener *listener, struct psv_error *reterr)
{
    const struct psv_listener_options options = {
        .service = &site->service,
        .fd = listener->socket.fd,
        .connections_max = connections_max(server),
    };

    note_address(site, &listener->socket.address);
    int code = psv_listener_new(&options, &listener->listener, reterr);
    site->listeners_len += code == PSV_OK;
    return code;
}

static int open_one(struct psv_server *server, struct psv_server_site *site, struct psv_bytes text,
                    struct psv_error *reterr)
{
    const struct psv_config_listen *config = &server->config->listen;
    const struct psv_listen_options options = {.backlog = (int)config->backlog,
                                               .has_reuse_port = config->reuse_port};

    if (site->listeners_len == PSV_SITE_LISTENERS_MAX) {
        return psv_error_set(reterr, PSV_ELIMIT, "more than %d addresses to listen on",
                             PSV_SITE_LISTENERS_MAX);
    }
    struct psv_server_listener *listener = &site->listeners[site->listeners_len];
    int code = psv_listening_socket_open(text, &options, &listener->socket, reterr);
    return code == PSV_OK ? add_listener(server, site, listener, reterr) : code;
}

static int take_activated(struct psv_server *server, struct psv_server_site *site, int fd,
                          struct psv_error *reterr)
{
    struct psv_server_listener *listener = &site->listeners[site->listeners_len];

    if (site->listeners_len == PSV_SITE_LISTENERS_MAX) {
        return psv_error_set(reterr, PSV_ELIMIT, "more than %d sockets of LISTEN_FDS",
                             PSV_SITE_LISTENERS_MAX);
    }
    int code = psv_listening_socket_adopt(fd, &listener->socket, reterr);
    return code == PSV_OK ? add_listener(server, site, listener, reterr) : code;
}

static int boot_site(struct psv_server *server, struct psv_server_site *site,
                     const struct psv_exchange_host *host, struct psv_error *reterr)
{
    init_h1(server, &site->h1);
    if (init_h2(server, site) != PSV_OK) {
        return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    }
    init_service(server, site, host);
    return PSV_OK;
}

static int open_all(struct psv_server *server, struct psv_server_site *site, const char *addresses,
                    struct psv_error *reterr)
{
    struct psv_bytes rest = psv_bytes_of(addresses);
    struct psv_bytes text;
    int code = PSV_OK;

    if (site->listeners_len > 0) {
        return PSV_OK; /* the service manager's are used instead */
    }
    while (code == PSV_OK && psv_socket_next_address(&rest, &text)) {
        code = open_one(server, site, text, reterr);
    }
    return code;
}

/* Sockets named "tls" and "internal" are for these; all others are the site's. */
static int boot_activated(struct psv_server *server, struct psv_error *reterr)
{
    struct psv_activated_socket sockets[ACTIVATED_MAX];
    size_t len;
    int code = psv_activation_take(sockets, ARRAY_SIZE(sockets), &len, reterr);

    for (size_t i = 0; i < len && code == PSV_OK; i++) {
        bool is_tls = strcmp(sockets[i].name, "tls") == 0;
        bool is_internal = strcmp(sockets[i].name, "internal") == 0;
        if (is_tls && server->tls == NULL) {
            return psv_error_set(reterr, PSV_EINVAL, "a socket named \"tls\" was given, and no certificate");
        }
        code = take_activated(server,
                              is_tls        ? &server->secure
                              : is_internal ? &server->admin
                                            : &server->site,
                              sockets[i].fd, reterr);
    }
    return code;
}

int psv_listeners_boot(struct psv_server *server, struct psv_error *reterr)
{
    const struct psv_config *config = server->config;
    int code = boot_site(server, &server->site, &server->pipeline.host, reterr);

    if (code == PSV_OK) {
        code = boot_site(server, &server->secure, &server->pipeline.host, reterr);
    }
    if (code == PSV_OK) {
        code = boot_site(server, &server->admin, &server->internal_host.host, reterr);
    }
    if (code == PSV_OK) {
        code = boot_activated(server, reterr);
    }
    if (code == PSV_OK) {
        code = open_all(server, &server->site, config->listen.address, reterr);
    }
    if (code == PSV_OK && server->tls != NULL) {
        code = open_all(server, &server->secure, config->tls.listen, reterr);
    }
    if (code == PSV_OK) {
        code = open_all(server, &server->admin, config->internal.listen, reterr);
    }
    return code;
}

void psv_listeners_close(struct psv_server_site *site)
{
    while (site->listeners_len > 0) {
        struct psv_server_listener *listener = &site->listeners[--site->listeners_len];
        listener->listener = psv_listener_free(listener->listener);
        psv_listening_socket_remove_file(&listener->socket);
    }
}
