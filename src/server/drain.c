/* The end of the server: a first SIGTERM or SIGINT lets finish what runs, a second one or the drain timeout
 * does not.  SIGTERM comes from outside, where a load balancer may have to learn of it first: /ready says 503
 * and everything else goes on for server.drain_delay_ms.  SIGINT (a terminal; the supervisor when another
 * server has taken over, or when it has died) does not wait.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#include <signal.h>

#include "exec/worker.h"
#include "net/listener.h"
#include "observe/log.h"
#include "os/process.h"
#include "server/dev.h"
#include "server/listeners.h"
#include "server/server_state.h"
#include "server/tls.h"

/* Connections end by callbacks all over the codec; looking every 10 ms is simpler than a hook in each, and
 * only while draining. */
#define CHECK_NS 10000000u

static void finish(struct psv_server *server)
{
    psv_loop_stop(&server->loop);
}

static unsigned connections_len(const struct psv_server *server)
{
    return server->site.service.connections_len + server->secure.service.connections_len;
}

static bool is_drained(const struct psv_server *server)
{
    return connections_len(server) == 0 && server->pipeline.live_len == 0;
}

static void drain_site(struct psv_server_site *site)
{
    if (site->listeners_len > 0) {
        for (unsigned i = 0; i < site->listeners_len; i++) {
            psv_listener_accept_rest(site->listeners[i].listener);
        }
        psv_listeners_close(site);
        site->h1.is_draining = true;
        psv_service_drain(&site->service);
    }
}

static void begin(struct psv_server *server, const char *signal_name)
{
    PSV_LOG(PSV_LOG_INFO, "server.draining", PSV_LOG_TEXT("signal", signal_name),
            PSV_LOG_U64("requests", server->pipeline.live_len),
            PSV_LOG_U64("connections", connections_len(server)));
    psv_dev_drain(server->dev);
    drain_site(&server->site);
    drain_site(&server->secure);
    if (server->has_successor) {
        drain_site(&server->admin);
    }
    psv_timer_start(&server->drain_queue, &server->drain_timer, server->loop.now_ns);
    psv_timer_start(&server->drain_check_queue, &server->drain_check_timer, server->loop.now_ns);
}

static void on_delay_end(struct psv_timer *timer, void *context)
{
    (void)timer;
    begin(context, psv_process_signal_name(SIGTERM));
}

static void leave(struct psv_server *server, int number)
{
    uint64_t delay_ms = number == SIGTERM ? server->config->server.drain_delay_ms : 0;

    server->is_draining = true; /* /ready tells it from now on */
    if (delay_ms == 0) {
        begin(server, psv_process_signal_name(number));
        return;
    }
    PSV_LOG(PSV_LOG_INFO, "server.leaving", PSV_LOG_TEXT("signal", psv_process_signal_name(number)),
            PSV_LOG_U64("delay_ms", delay_ms));
    psv_timer_start(&server->drain_delay_queue, &server->drain_delay_timer, server->loop.now_ns);
}

static void force(struct psv_server *server, const char *reason, int exit_code)
{
    server->exit_code = exit_code;
    PSV_LOG(PSV_LOG_WARN, "server.drain_cut_short", PSV_LOG_TEXT("reason", reason),
            PSV_LOG_U64("requests", server->pipeline.live_len),
            PSV_LOG_U64("connections", connections_len(server)));
    finish(server);
}

static void on_drain_timeout(struct psv_timer *timer, void *context)
{
    (void)timer;
    force(context, "timeout", 0); /* the configured end of a drain is an orderly one */
}

static void on_check(struct psv_timer *timer, void *context)
{
    struct psv_server *server = context;

    if (is_drained(server)) {
        finish(server);
    } else {
        psv_timer_start(&server->drain_check_queue, timer, server->loop.now_ns);
    }
}

/* A terminal's Ctrl-C comes twice to a server with a supervisor: by itself and from there, in this order or
 * the other, or once, when the second finds the first still waiting. */
static bool is_echo(struct psv_server *server, bool is_terminal)
{
    bool is = server->awaits_echo && is_terminal == server->echo_is_terminal;

    server->awaits_echo = server->awaits_echo && !is;
    return is;
}

/* SIGINT from the supervisor alone means that another server has taken over: what is asked about the service
 * is for that one. */
static void on_end_signal(struct psv_server *server, int number, bool is_terminal)
{
    bool is_supervised = psv_supervised_is(&server->supervised);

    if (!server->is_draining) {
        server->has_successor = is_supervised && number == SIGINT && !is_terminal;
        server->awaits_echo = is_supervised && number == SIGINT;
        server->echo_is_terminal = !is_terminal;
        leave(server, number);
    } else if (!is_echo(server, is_terminal)) {
        force(server, psv_process_signal_name(number), 1);
    }
}

static void on_signals(int fd, void *context)
{
    struct psv_server *server = context;
    bool is_terminal;
    int number;

    while ((number = psv_process_take_signal_of(fd, &is_terminal)) > 0) {
        switch (number) {
        case SIGTERM:
        case SIGINT:
            on_end_signal(server, number, is_terminal);
            break;
        case SIGHUP:
            psv_server_tls_reload(server);
            break;
        case SIGUSR1:
            psv_log_reopen();
            break;
        case SIGUSR2: /* without a supervisor; with one it has begun a new server */
            psv_worker_restart_all(server, psv_process_signal_name(number));
            break;
        default:
            PSV_LOG(PSV_LOG_INFO, "server.signal_ignored",
                    PSV_LOG_TEXT("signal", psv_process_signal_name(number)));
        }
    }
}

int psv_drain_init(struct psv_server *server, struct psv_error *reterr)
{
    struct psv_timer_wheel *wheel = &server->loop.wheel;

    psv_timer_init(&server->drain_delay_timer);
    psv_timer_queue_init(&server->drain_delay_queue, wheel, server->config->server.drain_delay_ms * 1000000u,
                         on_delay_end, server);
    psv_timer_init(&server->drain_timer);
    psv_timer_init(&server->drain_check_timer);
    psv_timer_queue_init(&server->drain_queue, wheel, server->config->server.drain_timeout_ms * 1000000u,
                         on_drain_timeout, server);
    psv_timer_queue_init(&server->drain_check_queue, wheel, CHECK_NS, on_check, server);
    server->signal_watch = psv_loop_watch_new(&server->loop, server->signal_fd, on_signals, server);
    if (server->signal_watch == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "cannot watch for signals: out of memory");
    }
    return PSV_OK;
}
