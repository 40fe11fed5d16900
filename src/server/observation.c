/* See observation.h.
 *
 * SPDX-License-Identifier: MIT */
#include "observation.h"

#include <string.h>

#include "config/options.h"
#include "filter/access_log.h"
#include "observe/otlp.h"
#include "psv_version.h"
#include "server/server_state.h"

#define MILLION 1000000u

static struct psv_otlp_options otlp_options(const struct psv_config *config)
{
    return (struct psv_otlp_options){
        .endpoint = config->otlp.endpoint,
        .headers = config->otlp.headers.items,
        .headers_len = config->otlp.headers.len,
        .service_name = config->otlp.service_name,
        .resource_attributes = config->otlp.resource_attributes,
        .ca_file = config->otlp.ca_file,
        .version = PSV_VERSION,
        .queue_requests = (size_t)config->otlp.queue_requests,
        .delay_ms = config->otlp.delay_ms,
        .timeout_ms = config->otlp.timeout_ms,
        .gzip = config->otlp.gzip,
    };
}

static int init_access_log(struct psv_access_log *log, const struct psv_config *config,
                           struct psv_error *reterr)
{
    struct psv_error error;
    int code = PSV_OK;

    switch (config->log.access) {
    case PSV_CONFIG_ACCESS_OFF:
        psv_access_log_init(log, false, PSV_ACCESS_LOG_COMMON);
        break;
    case PSV_CONFIG_ACCESS_COMMON:
        psv_access_log_init(log, true, PSV_ACCESS_LOG_COMMON);
        break;
    case PSV_CONFIG_ACCESS_COMBINED:
        psv_access_log_init(log, true, PSV_ACCESS_LOG_COMBINED);
        break;
    case PSV_CONFIG_ACCESS_SHORT:
        psv_access_log_init(log, true, PSV_ACCESS_LOG_SHORT);
        break;
    case PSV_CONFIG_ACCESS_CADDY:
        psv_access_log_init(log, true, PSV_ACCESS_LOG_CADDY);
        break;
    case PSV_CONFIG_ACCESS_JSON:
        psv_access_log_init(log, true, PSV_ACCESS_LOG_JSON);
        break;
    case PSV_CONFIG_ACCESS_CUSTOM:
        code = psv_access_log_init_custom(log, config->log.access_format,
                                          psv_bytes_of(config->site.server_name), &error);
        break;
    }
    return code == PSV_OK ? PSV_OK : psv_error_set(reterr, code, "log.access_format %s", error.message);
}

int psv_observation_check(const struct psv_config *config, struct psv_error *reterr)
{
    const struct psv_otlp_options options = otlp_options(config);
    struct psv_access_log log;
    int code = init_access_log(&log, config, reterr);

    psv_access_log_fini(&log);
    return code == PSV_OK && config->otlp.endpoint[0] != '\0' ? psv_otlp_check(&options, reterr) : code;
}

/* Who names a collector wants to see something: all traces that begin here, unless a share was asked for. */
static uint32_t sampled_ppm(const struct psv_server *server, const struct psv_config *config)
{
    const struct psv_option *option = psv_option_find_path(PSV_BYTES("trace.sampled_ppm"));
    bool is_default = server->loaded->origins[psv_option_index(option)].kind == PSV_CONFIG_ORIGIN_DEFAULT;

    return is_default && server->otlp != NULL ? MILLION : (uint32_t)config->trace.sampled_ppm;
}

int psv_observation_init(struct psv_server *server, struct psv_pipeline *pipeline,
                         const struct psv_config *config, struct psv_error *reterr)
{
    const struct psv_otlp_options options = otlp_options(config);
    int code = init_access_log(&pipeline->access_log, config, reterr);
    pipeline->access_log.names_sites = pipeline->sites.len > 1;
    pipeline->access_log.status_min = (unsigned)config->log.access_status_min;

    if (code == PSV_OK && server->otlp == NULL && config->otlp.endpoint[0] != '\0') {
        code = psv_otlp_start(&options, &server->otlp, reterr);
    }
    pipeline->otlp = server->otlp;
    pipeline->has_traces = config->trace.enabled || server->otlp != NULL;
    pipeline->traces_sampled_ppm = sampled_ppm(server, config);
    return code;
}

bool psv_observation_fini(struct psv_server *server, struct psv_pipeline *pipeline)
{
    pipeline->otlp = NULL;
    bool is_ended = psv_otlp_stop(TAKE(&server->otlp));
    psv_access_log_fini(&pipeline->access_log);
    return is_ended;
}
