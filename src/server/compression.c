/* Compression as it is configured.  [boot], [loop]
 *
 * SPDX-License-Identifier: MIT */
#include "compression.h"

#include "filter/compress.h"
#include "filter/decompress.h"
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

static unsigned rank_codings(void *context, const struct psv_headers *headers,
                             const struct psv_body_filter **ret_filters)
{
    _Static_assert((int)PSV_COMPRESS_COUNT <= PSV_ROUTER_CODINGS_MAX, "there is room for all codings");
    return psv_compress_rank(context, headers, ret_filters);
}

static bool takes_type(void *context, struct psv_bytes content_type)
{
    return psv_compress_takes_type(context, content_type);
}

static const struct psv_body_filter *choose(void *context, const struct psv_headers *headers)
{
    return psv_compress_choose(context, headers);
}

/* Made once and sent often: copies of files are worth more effort than a response. */
static void use_file_levels(struct psv_compress_options *options)
{
    options->levels[PSV_COMPRESS_ZSTD] = 12;
    options->levels[PSV_COMPRESS_BROTLI] = 9;
    options->levels[PSV_COMPRESS_GZIP] = 9;
}

/* router: NULL for a site that has none of its own. */
static void init_router(struct psv_server *server, struct psv_router *router)
{
    const struct psv_config_static *files = &server->config->static_files;

    if (router == NULL) {
        return;
    }
    if (files->precompressed || server->encoded_is_started) {
        router->codings = (struct psv_router_codings){server->file_compress, rank_codings, takes_type};
    }
    router->has_siblings = files->precompressed;
    router->encoded = server->encoded_is_started ? &server->encoded : NULL;
}

static int init_files(struct psv_server *server, const struct psv_compress_options *options,
                      struct psv_error *reterr)
{
    const struct psv_config_static *files = &server->config->static_files;
    struct psv_compress_options file_options = *options;

    use_file_levels(&file_options);
    int code = psv_compress_new(&file_options, &server->file_compress, reterr);
    if (code != PSV_OK || server->file_compress == NULL) {
        return code;
    }
    bool has_files = false;
    for (size_t i = 0; i < server->pipeline.sites.len; i++) {
        has_files = has_files || server->pipeline.sites.items[i].config->static_files.enabled;
    }
    if (files->compress_memory_bytes > 0 && has_files) {
        code = psv_encoded_cache_init(&server->encoded, files->compress_memory_bytes, reterr);
        server->encoded_is_started = code == PSV_OK;
    }
    for (size_t i = 0; i < server->pipeline.sites.len; i++) {
        init_router(server, server->pipeline.sites.items[i].own_router);
    }
    return code;
}

static int choose_decoder(void *context, const struct psv_headers *headers,
                          const struct psv_body_decoder **ret_decoder)
{
    return psv_decompress_choose(context, headers, ret_decoder);
}

static int init_requests(struct psv_server *server, struct psv_error *reterr)
{
    const struct psv_config_request *config = &server->config->request;

    if (!config->decode) {
        return PSV_OK;
    }
    server->decompress = psv_decompress_new(config->decode_ratio_max);
    server->pipeline.dynamic.choose_decoder = choose_decoder;
    server->pipeline.dynamic.decoder_context = server->decompress;
    return server->decompress != NULL ? PSV_OK : psv_error_set(reterr, PSV_ENOMEM, "out of memory");
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
    if (code == PSV_OK) {
        code = init_files(server, &options, reterr);
    }
    return code == PSV_OK ? init_requests(server, reterr) : code;
}

bool psv_compression_stop(struct psv_server *server)
{
    return !server->encoded_is_started || psv_encoded_cache_stop(&server->encoded) == PSV_OK;
}

void psv_compression_fini(struct psv_server *server)
{
    if (server->encoded_is_started) {
        psv_encoded_cache_fini(&server->encoded);
    }
    server->compress = psv_compress_free(server->compress);
    server->file_compress = psv_compress_free(server->file_compress);
    server->decompress = psv_decompress_free(server->decompress);
}
