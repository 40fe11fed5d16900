/* The server's parts, shared by server.c (boot and end) and drain.c (signals).  Not for other folders.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "exec/mailbox.h"
#include "exec/worker_group.h"
#include "handler/encoded_cache.h"
#include "handler/frankenphp_admin.h"
#include "http1/config.h"
#include "http2/config.h"
#include "net/client_limit.h"
#include "net/connection.h"
#include "net/loop.h"
#include "os/socket_listener.h"
#include "server/internal_host.h"
#include "server/pipeline.h"
#include "server/worker_admin.h"
#include "server/worker_restart.h"
#include "supervise/supervised.h"

struct psv_compress;
struct psv_decompress;
struct psv_dev;
struct psv_executor;
struct psv_listener;
struct psv_otlp;
struct psv_tls;
struct psv_worker_files;

#define PSV_SITE_LISTENERS_MAX 16

struct psv_server_listener {
    struct psv_listener *listener;
    struct psv_listening_socket socket;
};

/** Listeners of one kind with their connections and codec limits. */
struct psv_server_site {
    struct psv_service service;
    struct psv_h1_config h1;
    struct psv_h2_config h2;
    struct psv_server_listener listeners[PSV_SITE_LISTENERS_MAX];
    unsigned listeners_len;
    char address[1024]; /* bound, with commas; "" = none */
};

struct psv_server {
    const struct psv_config_loaded *loaded;
    const struct psv_config *config;
    const struct psv_executor *executor;
    unsigned workers;
    bool log_is_started;
    bool executor_is_started;
    bool loop_is_ready;
    struct psv_worker_group *groups; /* the classic one, then one for each script of worker mode */
    unsigned groups_len;
    struct psv_mailbox mailbox;
    struct psv_worker_script *scripts; /* of groups[1] ... */
    struct psv_worker_restarts restarts;
    struct psv_worker_files *worker_files; /* NULL: nothing is watched */
    struct psv_worker_admin worker_admin;
    struct psv_loop loop;
    struct psv_exchange_pool *exchanges;
    struct psv_dev *dev; /* NULL without --dev */
    struct psv_internal *internal;
    struct psv_frankenphp_admin frankenphp; /* with internal.frankenphp */
    struct psv_pipeline pipeline;
    struct psv_internal_host internal_host;
    struct psv_password_checker passwords; /* of all sites together */
    bool passwords_are_started;
    struct psv_loop_watch *password_watch;
    struct psv_client_limit client_limit; /* of all sites together; max 0 = none */
    struct psv_server_site site;          /* what the world sees */
    struct psv_server_site secure;        /* the same over TLS */
    struct psv_server_site admin;         /* the internal listener */
    struct psv_compress *compress;        /* of scripts' responses; NULL: off */
    struct psv_compress *file_compress;
    struct psv_decompress *decompress; /* of requests; NULL: off */
    struct psv_otlp *otlp;             /* the exporter of spans; NULL: off */
    struct psv_encoded_cache encoded;
    bool encoded_is_started;
    struct psv_tls *tls; /* NULL without certificates */
    struct psv_timer_queue tls_queue;
    struct psv_timer tls_timer; /* looks at the certificates' files */
    int signal_fd;
    struct psv_loop_watch *signal_watch;
    uint64_t started_unix_us;
    struct psv_supervised supervised;
    struct psv_timer_queue probe_queue;
    struct psv_timer probe_timer; /* asks PHP, for /ready */
    struct psv_timer_queue history_queue;
    struct psv_timer history_timer; /* takes the samples of /status */
    struct psv_compress *scrape_compress;
    struct psv_timer_queue beat_queue;
    struct psv_timer beat_timer;
    /* the end */
    bool is_draining;   /* not ready any more */
    bool has_successor; /* another generation serves; only while draining */
    bool awaits_echo;   /* of a SIGINT: see drain.c */
    bool echo_is_terminal;
    int exit_code;                            /* 1 after a second signal */
    struct psv_timer_queue drain_delay_queue; /* not ready any more, but still accepting */
    struct psv_timer drain_delay_timer;
    struct psv_timer_queue drain_queue;       /* the limit of the drain */
    struct psv_timer_queue drain_check_queue; /* looks whether all is done */
    struct psv_timer drain_timer;
    struct psv_timer drain_check_timer;
};

/** Watches the signals and prepares the drain's timers.  [boot] */
MUST_CHECK int psv_drain_init(struct psv_server *server, struct psv_error *reterr);
