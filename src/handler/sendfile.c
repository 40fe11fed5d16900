/* X-Sendfile and X-Accel-Redirect; see sendfile.h.
 *
 * SPDX-License-Identifier: MIT */
#include "sendfile.h"

#include <string.h>

#include "base/memory.h"
#include "exec/exchange.h"
#include "handler/file_cache.h"
#include "http/target.h"
#include "os/fd.h"
#include "os/safe_open.h"

#define ROOTS_MAX 32
/* Descriptors kept open for each root. */
#define CACHE_ENTRIES 256

struct root {
    struct psv_bytes prefix; /* of X-Accel-Redirect, with a slash at both ends; "" = none */
    struct psv_bytes folder; /* absolute, without a slash at its end */
    int fd;
    struct psv_file_cache cache;
};

struct psv_sendfile {
    struct psv_static_file options;
    struct root roots[ROOTS_MAX];
    size_t roots_len;
};

static int open_root(struct root *root, const char *text, const struct psv_config_static *files,
                     struct psv_error *reterr)
{
    struct psv_bytes whole = psv_bytes_of(text);
    size_t equals = psv_bytes_find(whole, '=');

    if (equals < whole.len) {
        root->prefix = psv_bytes_first(whole, equals);
        whole = psv_bytes_from(whole, equals + 1);
        if (root->prefix.len < 2 || root->prefix.data[0] != '/' ||
            root->prefix.data[root->prefix.len - 1] != '/') {
            return psv_error_set(reterr, PSV_EINVAL,
                                 "sendfile.roots \"%s\": the prefix begins and ends with a slash, as in "
                                 "/protected/=/srv/files",
                                 text);
        }
    }
    while (whole.len > 0 && whole.data[whole.len - 1] == '/') {
        whole.len--;
    }
    if (whole.len == 0 || whole.data[0] != '/') {
        return psv_error_set(reterr, PSV_EINVAL,
                             "sendfile.roots \"%s\": the folder is to be an absolute path", text);
    }
    root->folder = whole;
    int code = psv_safe_open_root(whole.data, &root->fd, reterr);
    if (code != PSV_OK) {
        return code;
    }
    const struct psv_file_cache_options options = {
        .root_fd = root->fd,
        .links_may_leave = files->follow_symlinks,
        .max_entries = CACHE_ENTRIES,
        .valid_ms = files->cache_valid_ms,
    };
    psv_file_cache_init(&root->cache, &options);
    return PSV_OK;
}

int psv_sendfile_new(const struct psv_config_list *roots, const struct psv_config_static *files,
                     struct psv_sendfile **ret_sendfile, struct psv_error *reterr)
{
    *ret_sendfile = NULL;
    if (roots->len == 0) {
        return PSV_OK;
    }
    if (roots->len > ROOTS_MAX) {
        return psv_error_set(reterr, PSV_ELIMIT, "sendfile.roots: %d are the most", ROOTS_MAX);
    }
    struct psv_sendfile *sendfile = psv_calloc(1, sizeof(*sendfile));
    int code = sendfile != NULL ? PSV_OK : psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    for (size_t i = 0; i < roots->len && code == PSV_OK; i++) {
        sendfile->roots[i].fd = -1;
        code = open_root(&sendfile->roots[i], roots->items[i], files, reterr);
        sendfile->roots_len += code == PSV_OK;
    }
    if (code != PSV_OK) {
        psv_sendfile_free(sendfile);
        return code;
    }
    sendfile->options.ranges_max = (unsigned)files->ranges_max;
    *ret_sendfile = sendfile;
    return PSV_OK;
}

struct psv_sendfile *psv_sendfile_free(struct psv_sendfile *sendfile)
{
    for (size_t i = 0; sendfile != NULL && i < sendfile->roots_len; i++) {
        psv_file_cache_fini(&sendfile->roots[i].cache);
        (void)psv_fd_close(sendfile->roots[i].fd);
    }
    psv_free(sendfile);
    return NULL;
}

/* ---- answering */

static const struct psv_field *find_order(const struct psv_field *fields, unsigned fields_len)
{
    for (unsigned i = 0; i < fields_len; i++) {
        if (fields[i].id == PSV_FIELD_X_SENDFILE || fields[i].id == PSV_FIELD_X_ACCEL_REDIRECT) {
            return &fields[i];
        }
    }
    return NULL;
}

bool psv_sendfile_is_wanted(const struct psv_field *fields, unsigned fields_len)
{
    return find_order(fields, fields_len) != NULL;
}

/* Which root, and the path in it (with its slash); false: none. */
static bool locate(struct psv_sendfile *sendfile, struct psv_arena *arena, const struct psv_field *order,
                   struct root **ret_root, struct psv_bytes *ret_path)
{
    bool is_redirect = order->id == PSV_FIELD_X_ACCEL_REDIRECT;
    struct psv_request decoded = {0};
    struct psv_bytes path = order->value;

    if (is_redirect) { /* a reference as in a request: decoded once, without dots and query */
        if (psv_target_parse(arena, PSV_METHOD_GET, path, &decoded) != PSV_OK) {
            return false;
        }
        path = decoded.path;
    }
    for (size_t i = 0; i < sendfile->roots_len; i++) {
        struct root *root = &sendfile->roots[i];
        struct psv_bytes start = is_redirect ? root->prefix : root->folder;
        /* the slash at the prefix's end, or behind the folder, begins the path in it */
        size_t skip = is_redirect ? start.len - 1 : start.len;
        if (start.len > 0 && path.len > skip && psv_bytes_starts_with(path, start) &&
            path.data[skip] == '/') {
            *ret_root = root;
            *ret_path = psv_bytes_from(path, skip);
            return true;
        }
    }
    return false;
}

/* Fields that speak of the script's own body, or that the file has itself. */
static bool is_of_the_body(enum psv_field_id id)
{
    switch (id) {
    case PSV_FIELD_X_SENDFILE:
    case PSV_FIELD_X_ACCEL_REDIRECT:
    case PSV_FIELD_CONTENT_LENGTH:
    case PSV_FIELD_CONTENT_ENCODING:
    case PSV_FIELD_CONTENT_RANGE:
    case PSV_FIELD_ACCEPT_RANGES:
    case PSV_FIELD_ETAG:
    case PSV_FIELD_LAST_MODIFIED:
        return true;
    default:
        return false;
    }
}

/* PHP says text/html of everything: of a file that is something else, the file's own type is meant. */
static bool is_no_choice(const struct psv_field *field, const struct psv_cached_file *file)
{
    return field->id == PSV_FIELD_CONTENT_TYPE &&
           psv_bytes_equal_case(psv_bytes_first(field->value, 9), PSV_BYTES("text/html")) &&
           !psv_bytes_starts_with(file->content_type, PSV_BYTES("text/html"));
}

/* What the script said of the response as a whole; NULL without memory. */
static struct psv_field *keep_fields(struct psv_arena *arena, const struct psv_cached_file *file,
                                     const struct psv_field *fields, unsigned fields_len, unsigned *ret_len)
{
    struct psv_field *kept = psv_arena_alloc(arena, sizeof(*kept) * (fields_len + (size_t)1));

    *ret_len = 0;
    for (unsigned i = 0; kept != NULL && i < fields_len; i++) {
        if (!is_of_the_body(fields[i].id) && !is_no_choice(&fields[i], file)) {
            kept[(*ret_len)++] = fields[i];
        }
    }
    return kept;
}

static void drop_file(void *context)
{
    psv_cached_file_unref(context);
}

void psv_sendfile_answer(struct psv_sendfile *sendfile, struct psv_exchange *exchange,
                         const struct psv_field *fields, unsigned fields_len)
{
    struct psv_arena *arena = psv_exchange_arena(exchange);
    struct psv_cached_file *file = NULL;
    struct root *root;
    struct psv_bytes path;

    if (!locate(sendfile, arena, find_order(fields, fields_len), &root, &path)) {
        psv_exchange_refuse(exchange, 404, "the script names a file outside of sendfile.roots", NULL, 0);
        return;
    }
    int code = psv_file_cache_find_ref(&root->cache, path, &file);
    if (code != PSV_OK || file->kind != PSV_CACHED_FILE) {
        psv_cached_file_unref(file);
        psv_exchange_refuse(exchange, code == PSV_OK ? 404 : 503,
                            "the file that the script names cannot be sent", NULL, 0);
        return;
    }
    struct psv_static_choice choice = {.file = file, .form = psv_static_form_of(file, PSV_BYTES(""))};
    choice.extra = keep_fields(arena, file, fields, fields_len, &choice.extra_len);
    if (psv_arena_on_fini(arena, drop_file, file) != PSV_OK) {
        psv_cached_file_unref(file);
        choice.extra = NULL;
    }
    if (choice.extra == NULL) {
        psv_exchange_refuse(exchange, 503, "out of memory", NULL, 0);
        return;
    }
    psv_static_file_answer(&sendfile->options, exchange, &choice);
}
