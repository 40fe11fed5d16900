/* Encoded copies of files; see encoded_cache.h.  A copy is handed to the thread through the ring and comes
 * back by its flag is_made, which the loop looks at when somebody asks for it or when the next one is to be
 * made: nobody waits for anybody.
 *
 * SPDX-License-Identifier: MIT */
#include "encoded_cache.h"

#include <string.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "base/memory.h"
#include "exec/body_filter.h"
#include "handler/file_cache.h"
#include "observe/metrics.h"
#include "os/clock.h"
#include "os/fd.h"

/* Files that wait for the thread. */
#define MAKING_MAX 64
/* Larger ones would keep the thread for seconds. */
#define FILE_BYTES_MAX (UINT64_C(8) << 20)
/* Read and encoded at a time; then the thread looks whether it is to stop. */
#define PORTION_BYTES ((size_t)64 << 10)
/* A file younger than the coarsest tick of a file system's clock may change without a trace. */
#define FILE_AGE_MIN_S 3
#define STACK_BYTES ((size_t)512 << 10)
#define STOP_NS (UINT64_C(2) * PSV_NS_PER_S)

/* ---- the thread */

/* The next bytes of the source: a view of its content, or read into portion. */
static int read_source(const struct psv_cached_file *source, uint64_t offset, char *portion,
                       struct psv_bytes *ret_bytes)
{
    size_t wanted = (size_t)MIN(source->size_bytes - offset, (uint64_t)PORTION_BYTES);

    if (source->content != NULL) {
        *ret_bytes = (struct psv_bytes){source->content + offset, wanted};
        return PSV_OK;
    }
    size_t len = 0;
    int code = psv_fd_pread_all(source->fd, portion, wanted, offset, &len);
    *ret_bytes = (struct psv_bytes){portion, len};
    return code == PSV_OK && len != wanted ? PSV_EIO : code; /* it has shrunk */
}

static bool has_changed(const struct psv_cached_file *source)
{
    struct stat status;

    return source->content == NULL &&
           (fstat(source->fd, &status) != 0 || (uint64_t)status.st_size != source->size_bytes ||
            status.st_mtim.tv_sec != source->modified_s ||
            (uint32_t)status.st_mtim.tv_nsec != source->modified_ns);
}

/* A copy that saves less than a sixteenth is not worth its memory. */
static bool is_too_large(const struct psv_encoded_file *copy)
{
    uint64_t size = copy->source->size_bytes;

    return psv_response_body_len(&copy->body) > size - size / 16;
}

static int encode_portions(struct psv_encoded_file *copy, struct psv_body_encoder *encoder)
{
    const struct psv_cached_file *source = copy->source;
    char *portion = psv_malloc(PORTION_BYTES);
    int code = portion != NULL ? PSV_OK : PSV_ENOMEM;

    for (uint64_t offset = 0; offset < source->size_bytes && code == PSV_OK;) {
        struct psv_bytes bytes;
        code = read_source(source, offset, portion, &bytes);
        if (code == PSV_OK) {
            code = encoder->encode(encoder, bytes.data, bytes.len, &copy->body);
            offset += bytes.len;
        }
        if (code == PSV_OK && (is_too_large(copy) || atomic_load(&copy->cache->is_stopping))) {
            code = PSV_ELIMIT;
        }
    }
    psv_free(portion);
    return code == PSV_OK ? encoder->end(encoder, PSV_BODY_FINISH, &copy->body) : code;
}

static void make(struct psv_encoded_file *copy)
{
    struct psv_body_encoder *encoder = copy->filter->begin(copy->filter, copy->source->size_bytes);

    copy->is_useless = encoder == NULL || encode_portions(copy, encoder) != PSV_OK || is_too_large(copy) ||
                       has_changed(copy->source);
    if (copy->is_useless) {
        psv_response_body_fini(&copy->body);
        return;
    }
    psv_response_body_fit(&copy->body);
}

static void run(void *context)
{
    struct psv_encoded_cache *cache = context;

    psv_thread_yield_to_others();
    for (;;) {
        uint32_t word = atomic_load(&cache->word);
        struct psv_encoded_file *copy = psv_ring_pop(&cache->ring);
        if (copy != NULL) {
            make(copy);
            /* release: pairs with the acquire in collect */
            atomic_store_explicit(&copy->is_made, true, memory_order_release);
        } else if (atomic_load(&cache->is_stopping)) {
            return;
        } else {
            (void)psv_futex_wait(&cache->word, word, 0);
        }
    }
}

static void wake(struct psv_encoded_cache *cache)
{
    atomic_fetch_add(&cache->word, 1);
    psv_futex_wake(&cache->word, 1);
}

/* ---- the loop */

static void hold(struct psv_encoded_cache *cache, int64_t bytes)
{
    cache->held_bytes = (uint64_t)((int64_t)cache->held_bytes + bytes);
    psv_metric_add(PSV_METRIC_STATIC_ENCODED_BYTES, bytes);
}

void psv_encoded_file_unref(struct psv_encoded_file *copy)
{
    if (copy == NULL || --copy->references > 0) {
        return;
    }
    psv_list_remove(&copy->link);
    hold(copy->cache, -(int64_t)copy->size_bytes);
    psv_response_body_fini(&copy->body);
    psv_free(copy);
}

static void detach(struct psv_encoded_file *copy)
{
    *copy->slot = NULL;
    copy->slot = NULL;
    psv_encoded_file_unref(copy);
}

static void drop_encoded(struct psv_cached_file *file)
{
    for (unsigned i = 0; i < PSV_CACHED_FILE_CODINGS; i++) {
        if (file->encoded[i] != NULL) {
            detach(file->encoded[i]);
        }
    }
}

/* Takes over what the thread has made; false: it is not ready. */
static bool collect(struct psv_encoded_file *copy)
{
    if (copy->source == NULL) {
        return true;
    }
    if (!atomic_load_explicit(&copy->is_made, memory_order_acquire)) {
        return false;
    }
    struct psv_encoded_cache *cache = copy->cache;
    uint64_t size_bytes = copy->is_useless ? 0 : copy->body.memory_len;
    psv_list_remove(&copy->link);
    hold(cache, (int64_t)size_bytes - (int64_t)copy->size_bytes);
    copy->size_bytes = size_bytes;
    psv_metric_inc(copy->is_useless ? PSV_METRIC_STATIC_ENCODINGS_USELESS : PSV_METRIC_STATIC_ENCODINGS_KEPT);
    if (!copy->is_useless) {
        copy->content = copy->body.memory;
        psv_list_prepend(&cache->kept, &copy->link);
    }
    psv_cached_file_unref(TAKE(&copy->source)); /* may be the end of copy, when the file has been forgotten */
    return true;
}

static void collect_all(struct psv_encoded_cache *cache)
{
    struct psv_list *node = cache->making.next;

    while (node != &cache->making) {
        struct psv_encoded_file *copy = PSV_LIST_ENTRY(node, struct psv_encoded_file, link);
        node = node->next;
        (void)collect(copy);
    }
}

/* Gives up copies that nobody reads, the least recently used one first. */
static bool make_room(struct psv_encoded_cache *cache, uint64_t bytes)
{
    struct psv_list *node = cache->kept.prev;

    while (cache->held_bytes + bytes > cache->memory_max_bytes && node != &cache->kept) {
        struct psv_encoded_file *copy = PSV_LIST_ENTRY(node, struct psv_encoded_file, link);
        node = node->prev;
        if (copy->references == 1 && copy->slot != NULL) {
            detach(copy);
        }
    }
    return cache->held_bytes + bytes <= cache->memory_max_bytes;
}

static void begin(struct psv_encoded_cache *cache, struct psv_cached_file *file,
                  const struct psv_body_filter *filter, struct psv_encoded_file **slot)
{
    collect_all(cache);
    if (psv_ring_len(&cache->ring) >= MAKING_MAX || !make_room(cache, file->size_bytes)) {
        return;
    }
    struct psv_encoded_file *copy = psv_calloc(1, sizeof(*copy));
    if (copy == NULL) {
        return;
    }
    *copy = (struct psv_encoded_file){.cache = cache,
                                      .filter = filter,
                                      .references = 1,
                                      .size_bytes = file->size_bytes,
                                      .slot = slot,
                                      .source = psv_cached_file_ref(file)};
    memcpy(copy->etag_text, "W/", 2);
    memcpy(copy->etag_text + 2, file->etag.data, file->etag.len);
    copy->etag = (struct psv_bytes){copy->etag_text, file->etag.len + 2};
    psv_response_body_init(&copy->body, NULL, 0, SIZE_MAX);
    *slot = copy;
    file->drop_encoded = drop_encoded;
    psv_list_append(&cache->making, &copy->link);
    hold(cache, (int64_t)copy->size_bytes);
    INVARIANT(psv_ring_push(&cache->ring, copy) == PSV_OK); /* only the loop pushes, and there was room */
    wake(cache);
}

static struct psv_encoded_file **find_slot(struct psv_cached_file *file, const struct psv_body_filter *filter)
{
    struct psv_encoded_file **empty = NULL;

    for (unsigned i = 0; i < PSV_CACHED_FILE_CODINGS; i++) {
        if (file->encoded[i] == NULL) {
            empty = &file->encoded[i];
        } else if (file->encoded[i]->filter == filter) {
            return &file->encoded[i];
        }
    }
    return empty;
}

struct psv_encoded_file *psv_encoded_cache_find_ref(struct psv_encoded_cache *cache,
                                                    struct psv_cached_file *file,
                                                    const struct psv_body_filter *filter, int64_t now_unix_s)
{
    struct psv_encoded_file **slot = find_slot(file, filter);

    if (slot == NULL) {
        return NULL;
    }
    if (*slot == NULL) {
        if (psv_cached_file_is_remembered(file) && file->size_bytes >= MAX(filter->min_bytes, UINT64_C(1)) &&
            file->size_bytes <= FILE_BYTES_MAX && file->modified_s + FILE_AGE_MIN_S < now_unix_s) {
            begin(cache, file, filter, slot);
        }
        return NULL;
    }
    struct psv_encoded_file *copy = *slot;
    if (!collect(copy) || copy->content == NULL) {
        return NULL;
    }
    psv_list_remove(&copy->link);
    psv_list_prepend(&cache->kept, &copy->link);
    copy->references++;
    return copy;
}

int psv_encoded_cache_init(struct psv_encoded_cache *cache, uint64_t memory_max_bytes,
                           struct psv_error *reterr)
{
    const struct psv_thread_options options = {
        .name = "encode", .stack_bytes = STACK_BYTES, .function = run, .argument = cache};

    *cache = (struct psv_encoded_cache){.memory_max_bytes = memory_max_bytes};
    psv_list_init(&cache->kept);
    psv_list_init(&cache->making);
    if (psv_ring_init(&cache->ring, MAKING_MAX) != PSV_OK) {
        return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    }
    int code = psv_thread_start(&cache->thread, &options, reterr);
    if (code != PSV_OK) {
        psv_ring_fini(&cache->ring);
    }
    return code;
}

int psv_encoded_cache_stop(struct psv_encoded_cache *cache)
{
    atomic_store(&cache->is_stopping, true);
    wake(cache);
    if (psv_thread_join(&cache->thread, psv_clock_monotonic_ns() + STOP_NS) != PSV_OK) {
        psv_thread_abandon(&cache->thread);
        return PSV_ETIMEOUT;
    }
    collect_all(cache);
    return PSV_OK;
}

void psv_encoded_cache_fini(struct psv_encoded_cache *cache)
{
    INVARIANT(psv_list_is_empty(&cache->making) && cache->held_bytes == 0);
    psv_ring_fini(&cache->ring);
}
