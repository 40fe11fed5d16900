/* Applies per-directory and per-host settings as php-fpm does.  Each thread keeps what it has read for
 * user_ini.cache_ttl seconds.  [worker]  Knows nothing of the server's own configuration.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_user_ini.h"

#include "base/memory.h"
#include "php_request.h"
#include "php_thread.h"
#include "phpsrv/message.h"

struct directory {
    time_t expires;
    HashTable settings;
};

struct psv_php_user_ini {
    HashTable directories; /* path with trailing slash -> struct directory */
    struct directory *last;
    size_t last_len;
    char last_path[MAXPATHLEN];
};

/* A site has a bounded number of script directories; a site that has not must not fill the memory. */
#define DIRECTORIES_MAX 4096

/* PHP's reader of ini files keeps its place in globals. */
static pthread_mutex_t reader_lock = PTHREAD_MUTEX_INITIALIZER;

static void free_directory(zval *value)
{
    struct directory *directory = Z_PTR_P(value);
    zend_hash_destroy(&directory->settings);
    psv_free(directory);
}

static struct psv_php_user_ini *cache_of(struct psv_php_thread *thread)
{
    if (thread->user_ini == NULL) {
        thread->user_ini = psv_calloc(1, sizeof(*thread->user_ini));
        if (thread->user_ini != NULL)
            zend_hash_init(&thread->user_ini->directories, 8, NULL, free_directory, true);
    }
    return thread->user_ini;
}

void psv_php_user_ini_free(struct psv_php_user_ini *user_ini)
{
    if (user_ini == NULL)
        return;
    zend_hash_destroy(&user_ini->directories);
    psv_free(user_ini);
}

struct reading {
    char path[MAXPATHLEN]; /* of the directory, with trailing slash */
    size_t path_len;
    bool is_below_root;
    size_t root_len; /* of the document root, without trailing slash */
    HashTable *settings;
};

/** Reads the files from the document root down to the directory: deeper ones override. */
static void read_files(void *context)
{
    struct reading *reading = context;
    if (!reading->is_below_root) {
        (void)php_parse_user_ini_file(reading->path, PG(user_ini_filename), reading->settings);
        return;
    }
    for (size_t i = reading->root_len; i < reading->path_len; i++) {
        if (reading->path[i] != '/')
            continue;
        reading->path[i] = '\0';
        (void)php_parse_user_ini_file(i == 0 ? "/" : reading->path, PG(user_ini_filename), reading->settings);
        reading->path[i] = '/';
    }
}

static void read_directory(struct directory *directory, const char *path, size_t path_len,
                           struct psv_bytes root)
{
    struct reading reading = {.path_len = path_len, .settings = &directory->settings};
    memcpy(reading.path, path, path_len + 1);
    while (root.len > 0 && root.data[root.len - 1] == '/')
        root.len--;
    if (path_len > root.len && memcmp(path, root.data, root.len) == 0 && path[root.len] == '/')
        reading.is_below_root = true;
    reading.root_len = root.len;

    zend_hash_clean(&directory->settings);
    pthread_mutex_lock(&reader_lock);
    psv_php_request_try(read_files, &reading);
    pthread_mutex_unlock(&reader_lock);
    directory->expires = (time_t)sapi_get_request_time() + PG(user_ini_cache_ttl);
}

static struct directory *find_directory(struct psv_php_user_ini *cache, const char *path, size_t path_len)
{
    if (cache->last != NULL && cache->last_len == path_len && memcmp(cache->last_path, path, path_len) == 0)
        return cache->last;
    struct directory *directory = zend_hash_str_find_ptr(&cache->directories, path, path_len);
    if (directory == NULL) {
        if (zend_hash_num_elements(&cache->directories) >= DIRECTORIES_MAX) {
            zend_hash_clean(&cache->directories);
            cache->last = NULL;
        }
        directory = psv_calloc(1, sizeof(*directory));
        if (directory == NULL)
            return NULL;
        zend_hash_init(&directory->settings, 0, NULL, config_zval_dtor, true);
        directory->expires = -1;
        zend_hash_str_update_ptr(&cache->directories, path, path_len, directory);
    }
    memcpy(cache->last_path, path, path_len + 1);
    cache->last_len = path_len;
    cache->last = directory;
    return directory;
}

static void activate_host(struct psv_bytes name)
{
    char lower[256];
    if (name.len >= sizeof(lower))
        return;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = psv_ascii_lower(name.data[i]);
    lower[name.len] = '\0';
    php_ini_activate_per_host_config(lower, name.len);
}

/** The script's directory with trailing slash; 0 when it does not fit. */
static size_t directory_of(struct psv_bytes script, char *out)
{
    size_t len = script.len;
    while (len > 0 && script.data[len - 1] != '/')
        len--;
    if (len == 0 || len >= MAXPATHLEN)
        return 0;
    memcpy(out, script.data, len);
    out[len] = '\0';
    return len;
}

void psv_php_user_ini_activate(struct psv_php_thread *thread)
{
    const struct psv_message *message = thread->message;
    if (UNEXPECTED(php_ini_has_per_host_config()))
        activate_host(message->server_name);

    const bool has_user_files = PG(user_ini_filename) != NULL && *PG(user_ini_filename) != '\0';
    if (!has_user_files && !php_ini_has_per_dir_config())
        return;
    char path[MAXPATHLEN];
    size_t path_len = directory_of(message->script_filename, path);
    if (path_len == 0)
        return;
    if (UNEXPECTED(php_ini_has_per_dir_config()))
        php_ini_activate_per_dir_config(path, path_len);
    if (!has_user_files)
        return;

    struct psv_php_user_ini *cache = cache_of(thread);
    struct directory *directory = cache != NULL ? find_directory(cache, path, path_len) : NULL;
    if (directory == NULL)
        return;
    if ((time_t)sapi_get_request_time() > directory->expires)
        read_directory(directory, path, path_len, message->document_root);
    if (zend_hash_num_elements(&directory->settings) > 0)
        php_ini_activate_config(&directory->settings, PHP_INI_PERDIR, PHP_INI_STAGE_HTACCESS);
}
