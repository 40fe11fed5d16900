/* Open-file cache: a path is looked up in the map, an entry that is too old is compared with the file
 * system, a missing one is opened.  [loop]  System calls happen only on a miss and once per entry and
 * validity period. Must not know requests: hidden names and methods are the caller's affair.
 *
 * SPDX-License-Identifier: MIT */
#include "file_cache.h"

#include <limits.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/memory.h"
#include "http/mime.h"
#include "http/script_path.h"
#include "observe/metrics.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/safe_open.h"

/* A file may be written again within one tick of the file system's clock and look unchanged; so the bytes of
 * a file are copied only when it has been left alone for longer than any such tick (FAT has the coarsest: two
 * seconds). */
#define CONTENT_MIN_AGE_US (UINT64_C(3) * PSV_US_PER_S)

/* Longer paths are not worth remembering, and no longer one can be opened. */
#define PATH_BYTES_MAX ((size_t)PATH_MAX - 1)
#define REMEMBERED_PATH_BYTES_MAX ((size_t)1024)

/* Idle entries given up when descriptors run out, before trying once more. */
#define EVICT_ON_SHORTAGE 16

static int look(struct psv_file_cache *cache, struct psv_bytes path, uint64_t now_ns,
                struct psv_cached_file **ret_file);
static bool is_unchanged(struct psv_file_cache *cache, const struct psv_cached_file *file, int *ret_error);
static void remember(struct psv_file_cache *cache, struct psv_cached_file *file);

void psv_file_cache_init(struct psv_file_cache *cache, const struct psv_file_cache_options *options)
{
    *cache = (struct psv_file_cache){.options = *options};
    if (cache->options.monotonic_ns == NULL)
        cache->options.monotonic_ns = psv_clock_monotonic_coarse_ns;
    if (cache->options.unix_us == NULL)
        cache->options.unix_us = psv_clock_unix_coarse_us;
    psv_map_init(&cache->map, options->max_entries);
    psv_list_init(&cache->present);
    psv_list_init(&cache->absent);
}

/* Negative entries get a quarter of the places, existing things what is left. */
static size_t absent_max(const struct psv_file_cache *cache)
{
    return cache->options.max_entries / 4;
}

static size_t present_max(const struct psv_file_cache *cache)
{
    return cache->options.max_entries - absent_max(cache);
}

bool psv_cached_file_is_remembered(const struct psv_cached_file *file)
{
    return !psv_list_is_empty(&file->link);
}

static struct psv_cached_file **recent_of(struct psv_file_cache *cache, struct psv_bytes path)
{
    return &cache->recent[path.len % PSV_FILE_CACHE_RECENT];
}

static struct psv_cached_file *find_known(struct psv_file_cache *cache, struct psv_bytes path)
{
    struct psv_cached_file **recent = recent_of(cache, path);
    if (*recent == NULL || !psv_bytes_equal((*recent)->path, path)) {
        struct psv_cached_file *known = psv_map_find(&cache->map, path);
        if (known == NULL)
            return NULL;
        *recent = known;
    }
    return *recent;
}

static void forget(struct psv_file_cache *cache, struct psv_cached_file *file)
{
    struct psv_cached_file **recent = recent_of(cache, file->path);
    if (*recent == file)
        *recent = NULL;
    INVARIANT(psv_map_remove(&cache->map, file->path) == file);
    psv_list_remove(&file->link);
    if (file->kind == PSV_CACHED_ABSENT)
        cache->absent_len--;
    else
        cache->present_len--;
    psv_cached_file_unref(file);
}

static void forget_all(struct psv_file_cache *cache, struct psv_list *list)
{
    struct psv_list *node;
    while ((node = psv_list_first(list)) != NULL)
        forget(cache, PSV_LIST_ENTRY(node, struct psv_cached_file, link));
}

void psv_file_cache_clear(struct psv_file_cache *cache)
{
    forget_all(cache, &cache->present);
    forget_all(cache, &cache->absent);
}

void psv_file_cache_fini(struct psv_file_cache *cache)
{
    psv_file_cache_clear(cache);
    INVARIANT(cache->content_bytes == 0);
    psv_map_fini(&cache->map);
}

struct psv_cached_file *psv_cached_file_ref(struct psv_cached_file *file)
{
    INVARIANT(file->references != 0 && file->references != UINT_MAX);
    file->references++;
    return file;
}

void psv_cached_file_unref(struct psv_cached_file *file)
{
    if (file == NULL)
        return;
    INVARIANT(file->references != 0);
    if (--file->references != 0)
        return;
    INVARIANT(!psv_cached_file_is_remembered(file));
    if (file->drop_encoded != NULL)
        file->drop_encoded(file);
    if (file->content != NULL) {
        file->cache->content_bytes -= file->size_bytes;
        file->content = psv_free(file->content);
    }
    file->fd = psv_fd_close(file->fd);
    psv_free(file);
}

static void move_to_front(struct psv_file_cache *cache, struct psv_cached_file *file)
{
    struct psv_list *list = file->kind == PSV_CACHED_ABSENT ? &cache->absent : &cache->present;
    if (list->next != &file->link) {
        psv_list_remove(&file->link);
        psv_list_prepend(list, &file->link);
    }
}

int psv_file_cache_find_ref(struct psv_file_cache *cache, struct psv_bytes path,
                            struct psv_cached_file **ret_file)
{
    uint64_t now_ns = cache->options.monotonic_ns();
    struct psv_cached_file *known = find_known(cache, path);
    if (known != NULL) {
        int error = 0;
        if (now_ns - known->checked_ns < cache->options.valid_ms * PSV_NS_PER_MS) {
            /* trusted: no system call */
        } else if (is_unchanged(cache, known, &error)) {
            known->checked_ns = now_ns;
        } else if (error == 0) {
            forget(cache, known);
            known = NULL;
        }
        /* on an error that will pass, an old answer is better than none */
    }
    if (known != NULL) {
        psv_metric_inc(PSV_METRIC_STATIC_CACHE_HITS);
        move_to_front(cache, known);
        *ret_file = psv_cached_file_ref(known);
        return 0;
    }
    psv_metric_inc(PSV_METRIC_STATIC_CACHE_MISSES);
    struct psv_cached_file *file;
    int error = look(cache, path, now_ns, &file);
    if (error != 0)
        return error;
    remember(cache, file);
    *ret_file = file;
    return 0;
}

static unsigned open_flags(const struct psv_file_cache *cache)
{
    return cache->options.links_may_leave ? PSV_SAFE_OPEN_LINKS_MAY_LEAVE : 0;
}

/* Gives up the least recently used entries that nobody reads from. */
static void evict_idle(struct psv_file_cache *cache, size_t count)
{
    struct psv_list *node = cache->present.prev;
    while (node != &cache->present && count != 0) {
        struct psv_cached_file *file = PSV_LIST_ENTRY(node, struct psv_cached_file, link);
        node = node->prev;
        if (file->fd >= 0 && file->references == 1) {
            forget(cache, file);
            count--;
        }
    }
}

/* True for "there is nothing to serve" as opposed to "it cannot be said now". */
static bool is_absence(int error)
{
    return error == PSV_ENOENT || error == PSV_EACCESS;
}

static bool may_keep_content(const struct psv_file_cache *cache, const struct psv_safe_file *found)
{
    const struct psv_file_cache_options *options = &cache->options;
    if (options->max_entries == 0 || found->size_bytes == 0 ||
        found->size_bytes > options->content_max_bytes ||
        cache->content_bytes + found->size_bytes > options->memory_max_bytes)
        return false;
    int64_t modified_us = found->modified_s * (int64_t)PSV_US_PER_S;
    return modified_us + (int64_t)CONTENT_MIN_AGE_US < (int64_t)options->unix_us();
}

static bool is_same_file(const struct psv_cached_file *file, const struct psv_safe_file *found)
{
    return file->size_bytes == found->size_bytes && file->modified_s == found->modified_s &&
           file->modified_ns == found->modified_ns && file->inode == found->inode &&
           file->device == found->device;
}

/* False with *ret_error 0: what is there now differs from the entry, or deserves a better one. */
static bool is_unchanged(struct psv_file_cache *cache, const struct psv_cached_file *file, int *ret_error)
{
    struct psv_safe_file found;
    int error = psv_safe_stat(cache->options.root_fd, file->path_text, open_flags(cache), &found);
    if (error != 0) {
        *ret_error = is_absence(error) ? 0 : error;
        return file->kind == PSV_CACHED_ABSENT && is_absence(error);
    }
    switch (file->kind) {
    case PSV_CACHED_ABSENT:
        /* something is there now, but it may be a thing that cannot be served, or not be readable: look */
        return found.kind == PSV_FILE_OTHER;
    case PSV_CACHED_DIRECTORY:
        return found.kind == PSV_FILE_DIRECTORY;
    case PSV_CACHED_SCRIPT:
        return found.kind == PSV_FILE_REGULAR && is_same_file(file, &found);
    case PSV_CACHED_FILE:
        return found.kind == PSV_FILE_REGULAR && is_same_file(file, &found) &&
               (file->content != NULL || !may_keep_content(cache, &found));
    case PSV_CACHED_KIND_COUNT:
        break;
    }
    UNREACHABLE("no such kind");
}

/* Reads a small file into memory; on failure the descriptor serves as well. */
static void load_content(struct psv_file_cache *cache, struct psv_cached_file *file)
{
    char *content = psv_malloc(file->size_bytes);
    if (content == NULL)
        return;
    size_t len = 0;
    int error = psv_fd_pread_all(file->fd, content, file->size_bytes, 0, &len);
    if (error != 0 || len != file->size_bytes) {
        psv_free(content);
        return;
    }
    file->content = content;
    cache->content_bytes += file->size_bytes;
    file->fd = psv_fd_close(file->fd);
}

static void fill_fields(struct psv_cached_file *file)
{
    int64_t modified_ns = file->modified_s * (int64_t)PSV_NS_PER_S + file->modified_ns;
    file->etag =
        (struct psv_bytes){file->etag_text, psv_etag_format(file->etag_text, file->size_bytes, modified_ns)};
    psv_date_format_imf(file->last_modified_text, file->modified_s);
    file->last_modified = (struct psv_bytes){file->last_modified_text, PSV_DATE_IMF_LEN};
    file->content_type = psv_mime_find(file->path);
}

/* Fills a new entry with what psv_safe_open found; takes found->fd. */
static void fill(struct psv_file_cache *cache, struct psv_cached_file *file, struct psv_safe_file *found)
{
    CLEANUP(psv_fd_closep) int fd = psv_fd_take(&found->fd);
    if (found->kind == PSV_FILE_DIRECTORY)
        file->kind = PSV_CACHED_DIRECTORY;
    if (found->kind != PSV_FILE_REGULAR)
        return;
    file->size_bytes = found->size_bytes;
    file->modified_s = found->modified_s;
    file->modified_ns = found->modified_ns;
    file->inode = found->inode;
    file->device = found->device;
    if (psv_path_is_script_source(file->path)) {
        file->kind = PSV_CACHED_SCRIPT;
        return;
    }
    file->kind = PSV_CACHED_FILE;
    file->fd = psv_fd_take(&fd);
    fill_fields(file);
    if (may_keep_content(cache, found))
        load_content(cache, file);
}

static struct psv_cached_file *entry_new(struct psv_file_cache *cache, struct psv_bytes path, uint64_t now_ns)
{
    struct psv_cached_file *file = psv_malloc(sizeof(*file) + path.len + 1);
    if (file == NULL)
        return NULL;
    *file = (struct psv_cached_file){.cache = cache, .references = 1, .checked_ns = now_ns, .fd = -1};
    psv_list_init(&file->link);
    memcpy(file->path_text, path.data, path.len);
    file->path_text[path.len] = '\0';
    file->path = (struct psv_bytes){file->path_text, path.len};
    return file;
}

/* Makes an entry of what is there now. */
static int look(struct psv_file_cache *cache, struct psv_bytes path, uint64_t now_ns,
                struct psv_cached_file **ret_file)
{
    INVARIANT(path.len != 0);
    struct psv_cached_file *file = entry_new(cache, path, now_ns);
    if (file == NULL)
        return PSV_ENOMEM;
    struct psv_safe_file found;
    int error = PSV_ENOENT;
    if (path.len <= PATH_BYTES_MAX)
        error = psv_safe_open(cache->options.root_fd, file->path_text, open_flags(cache), &found);
    if (error == PSV_ELIMIT) {
        evict_idle(cache, EVICT_ON_SHORTAGE);
        error = psv_safe_open(cache->options.root_fd, file->path_text, open_flags(cache), &found);
    }
    if (error == 0) {
        fill(cache, file, &found);
    } else if (!is_absence(error)) {
        psv_cached_file_unref(file);
        return error;
    }
    *ret_file = file;
    return 0;
}

/* Puts a new entry into the map, evicting the least recently used one of its sort; without success it is
 * served once. */
static void remember(struct psv_file_cache *cache, struct psv_cached_file *file)
{
    bool is_absent = file->kind == PSV_CACHED_ABSENT;
    struct psv_list *list = is_absent ? &cache->absent : &cache->present;
    size_t *len = is_absent ? &cache->absent_len : &cache->present_len;
    size_t max = is_absent ? absent_max(cache) : present_max(cache);
    if (max == 0 || file->path.len > REMEMBERED_PATH_BYTES_MAX)
        return;
    if (*len >= max)
        forget(cache, PSV_LIST_ENTRY(list->prev, struct psv_cached_file, link));
    if (psv_map_put(&cache->map, file->path, file, NULL) != 0)
        return;
    psv_list_prepend(list, &psv_cached_file_ref(file)->link);
    (*len)++;
}
