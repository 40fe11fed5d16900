/* Compression as it is configured.  [boot], [loop]
 *
 * SPDX-License-Identifier: MIT */
#include "compression.h"

#include "filter/compress.h"
#include "server/router.h"
#include "server/server_state.h"

static void read_options(const struct psv_config_compress *config, struct psv_compress_options *ret_options)
{
    *ret_options = (struct psv_compress_options){
        .codings = psv_bytes_of(config->codings),
        .levels = {[PSV_COMPRESS_ZSTD] = (int)config->zstd_level,
                   [PSV_COMPRESS_BROTLI] = (int)config->brotli_level,
                   [PSV_COMPRESS_GZIP] = (int)config->gzip_level},
        .min_bytes = config->min_bytes,
        .types = config->types.items,
        .types_len = config->types.len,
    };
}

int psv_compression_check(const struct psv_config *config, struct psv_error *reterr)
{
    struct psv_compress_options options;
    struct psv_compress *compress = NULL;

    read_options(&config->compress, &options);
    int code = psv_compress_new(&options, &compress, reterr);
    (void)psv_compress_free(compress);
    return code;
}

static unsigned rank_codings(void *context, const struct psv_headers *headers, struct psv_bytes *ret_codings)
{
    _Static_assert((int)PSV_COMPRESS_COUNT <= PSV_ROUTER_CODINGS_MAX, "there is room for all codings");
    return psv_compress_rank(context, headers, ret_codings);
}

static bool takes_type(void *context, struct psv_bytes content_type)
{
    return psv_compress_takes_type(context, content_type);
}

static const struct psv_body_filter *choose(void *context, const struct psv_headers *headers)
{
    return psv_compress_choose(context, headers);
}

int psv_compression_init(struct psv_server *server, struct psv_error *reterr)
{
    struct psv_compress_options options;

    read_options(&server->config->compress, &options);
    int code = psv_compress_new(&options, &server->compress, reterr);
    if (server->compress != NULL) {
        server->pipeline.dynamic.choose_filter = choose;
        server->pipeline.dynamic.filter_context = server->compress;
    }
    if (server->compress != NULL && server->config->static_files.precompressed) {
        server->router->codings = (struct psv_router_codings){server->compress, rank_codings, takes_type};
    }
    return code;
}

void psv_compression_fini(struct psv_server *server)
{
    server->compress = psv_compress_free(server->compress);
}
