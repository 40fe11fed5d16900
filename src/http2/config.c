/* What all HTTP/2 connections of a service share; see config.h.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/error.h"
#include "base/memory.h"
#include "http2/codec.h"
#include "http2/session.h"

/* A drain is announced first, so that requests on their way still count (RFC 9113 6.8); a client that does
 * not answer the PING in this time has had its round trip. */
#define DRAIN_ANNOUNCE_NS UINT64_C(1000000000)
/* Response heads are a script's: bounded by what it may send at all, not by the library's 64 KiB. */
#define RESPONSE_HEAD_BYTES_MAX ((size_t)1 << 20)
/* Acknowledgements that may wait to be written.  The guards end a flood before it gets there, unless the
 * client reads nothing. */
#define OUTBOUND_ACKS_MAX 128

static int make_library_objects(struct psv_h2_shared *shared)
{
    if (nghttp2_session_callbacks_new(&shared->callbacks) != 0 || nghttp2_option_new(&shared->option) != 0) {
        return PSV_ENOMEM;
    }
    psv_h2_set_receive_callbacks(shared->callbacks);
    psv_h2_set_send_callbacks(shared->callbacks);
    nghttp2_option_set_max_outbound_ack(shared->option, OUTBOUND_ACKS_MAX);
    nghttp2_option_set_max_send_header_block_length(shared->option, RESPONSE_HEAD_BYTES_MAX);
    nghttp2_option_set_builtin_recv_extension_type(shared->option, NGHTTP2_PRIORITY_UPDATE);
    return PSV_OK;
}

static void drain_announced(struct psv_timer *timer, void *context)
{
    struct psv_h2 *h2 = CONTAINER_OF(timer, struct psv_h2, drain_timer);

    (void)context;
    psv_h2_finish_drain(h2);
}

int psv_h2_config_init(struct psv_h2_config *config, struct psv_timer_wheel *wheel, uint64_t body_idle_ns,
                       uint64_t write_ns)
{
    config->shared = psv_calloc(1, sizeof(*config->shared));
    if (config->shared == NULL || make_library_objects(config->shared) != PSV_OK) {
        psv_h2_config_fini(config);
        return PSV_ENOMEM;
    }
    psv_timer_queue_init(&config->body_timer, wheel, body_idle_ns, psv_h2_on_body_timer, NULL);
    psv_timer_queue_init(&config->stall_timer, wheel, write_ns, psv_h2_on_stall_timer, NULL);
    psv_timer_queue_init(&config->drain_timer, wheel, DRAIN_ANNOUNCE_NS, drain_announced, NULL);
    return PSV_OK;
}

void psv_h2_config_fini(struct psv_h2_config *config)
{
    if (config->shared != NULL) {
        nghttp2_session_callbacks_del(config->shared->callbacks);
        nghttp2_option_del(config->shared->option);
        config->shared = psv_free(config->shared);
    }
}

const char *psv_h2_library_version(void)
{
    return nghttp2_version(0)->version_str;
}
