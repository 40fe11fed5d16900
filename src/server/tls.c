/* The TLS listener's certificates: from the configuration, and looked after while the server runs.  [boot],
 * [loop]
 *
 * SPDX-License-Identifier: MIT */
#include "tls.h"

#include <stdio.h>

#include "http1/config.h"
#include "net/tls_context.h"
#include "observe/log.h"
#include "server/server_state.h"

/* How often the files are looked at; three stat(2) calls a certificate. */
#define LOOK_NS UINT64_C(5000000000)
#define NS_PER_MS UINT64_C(1000000)

static void on_look(struct psv_timer *timer, void *context)
{
    struct psv_server *server = context;

    psv_tls_tick(server->tls, server->loop.now_ns);
    psv_timer_start(&server->tls_queue, timer, server->loop.now_ns);
}

static void read_options(const struct psv_config *config, struct psv_tls_options *ret_options)
{
    const struct psv_config_tls *tls = &config->tls;

    *ret_options = (struct psv_tls_options){
        .certificates = tls->certificates.items,
        .keys = tls->keys.items,
        .ocsp = tls->ocsp_answers.items,
        .len = tls->certificates.len,
        .ocsp_len = tls->ocsp_answers.len,
        .is_tls13_only = tls->min_version == PSV_CONFIG_TLS_13,
        .ciphers = tls->ciphers,
        .ticket_period_ns = tls->ticket_period_ms * NS_PER_MS,
        .offers_h2 = config->http2.enabled,
        .uses_kernel_tls = tls->kernel,
    };
}

int psv_server_tls_check(const struct psv_config *config, struct psv_error *reterr)
{
    struct psv_tls_options options;
    struct psv_tls *tls = NULL;

    if (config->tls.certificates.len == 0) {
        return PSV_OK;
    }
    read_options(config, &options);
    int code = psv_tls_new(&options, 0, &tls, reterr);
    (void)psv_tls_free(tls);
    return code;
}

int psv_server_tls_init(struct psv_server *server, struct psv_error *reterr)
{
    struct psv_tls_options options;

    if (server->config->tls.certificates.len == 0) {
        return PSV_OK;
    }
    read_options(server->config, &options);
    int code = psv_tls_new(&options, server->loop.now_ns, &server->tls, reterr);
    if (code != PSV_OK) {
        return code;
    }
    for (size_t i = 0; i < server->pipeline.sites.len; i++) {
        server->pipeline.sites.items[i].early.tls = server->tls;
    }
    psv_tls_tell_expiry(server->tls);
    psv_timer_init(&server->tls_timer);
    psv_timer_queue_init(&server->tls_queue, &server->loop.wheel, LOOK_NS, on_look, server);
    psv_timer_start(&server->tls_queue, &server->tls_timer, server->loop.now_ns);
    return PSV_OK;
}

void psv_server_tls_reload(struct psv_server *server)
{
    if (server->tls != NULL) {
        psv_tls_tick(server->tls, server->loop.now_ns);
    }
}

void psv_server_tls_fini(struct psv_server *server)
{
    server->tls = psv_tls_free(server->tls);
}
