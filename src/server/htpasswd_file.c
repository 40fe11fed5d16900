/* See htpasswd_file.h.
 *
 * SPDX-License-Identifier: MIT */
#include "htpasswd_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "http/htpasswd.h"
#include "os/fd.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)
#define USERS_MAX 10000

static int check_mode(const char *path, struct psv_error *reterr)
{
    struct stat status;

    if (stat(path, &status) != 0) {
        int code = errno == ENOENT ? PSV_ENOENT : errno == EACCES ? PSV_EACCESS : PSV_EIO;
        return psv_error_set_errno(reterr, code, errno, "guard.basic_auth: %s cannot be read", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return psv_error_set(reterr, PSV_EINVAL, "guard.basic_auth: %s is not a file", path);
    }
    if ((status.st_mode & S_IWOTH) != 0) {
        return psv_error_set(reterr, PSV_EACCESS,
                             "guard.basic_auth: everybody may write to %s (mode %03o); chmod o-w, or 640",
                             path, (unsigned)status.st_mode & 0777);
    }
    return PSV_OK;
}

/* A view of text whose last byte is followed by one that is no part of it: becomes a C text in place. */
static const char *end_text(struct psv_bytes text)
{
    char *start = (char *)(uintptr_t)text.data;

    start[text.len] = '\0';
    return start;
}

static int add_user(struct psv_htpasswd_file *file, const struct psv_htpasswd_line *line, unsigned number,
                    struct psv_error *reterr)
{
    char *hash = (char *)(uintptr_t)end_text(line->hash);

    if (psv_map_find(&file->users, line->user) != NULL) {
        return psv_error_set(reterr, PSV_EINVAL, "guard.basic_auth: %s:%u: the user \"%.*s\" is there twice",
                             file->path, number, PSV_BYTES_ARG(line->user));
    }
    int code = psv_map_put(&file->users, line->user, hash, NULL);
    if (code != PSV_OK) {
        return psv_error_set(reterr, code, "guard.basic_auth: %s: more than %d users, or no memory for them",
                             file->path, USERS_MAX);
    }
    file->any_hash = file->any_hash != NULL ? file->any_hash : hash;
    return PSV_OK;
}

static int read_lines(struct psv_htpasswd_file *file, struct psv_error *reterr)
{
    struct psv_bytes rest = psv_buffer_bytes(&file->text);
    struct psv_bytes text;

    for (unsigned number = 1; psv_bytes_split(&rest, '\n', &text); number++) {
        struct psv_htpasswd_line line;
        const char *why = "";
        int code = psv_htpasswd_parse_line(text, &line, &why);
        if (code == PSV_EEMPTY) {
            continue;
        }
        if (code != PSV_OK) {
            return psv_error_set(reterr, PSV_EINVAL, "guard.basic_auth: %s:%u: the line %s", file->path,
                                 number, why);
        }
        code = add_user(file, &line, number, reterr);
        if (code != PSV_OK) {
            return code;
        }
    }
    return file->any_hash != NULL
               ? PSV_OK
               : psv_error_set(reterr, PSV_EINVAL, "guard.basic_auth: %s names no user", file->path);
}

int psv_htpasswd_file_read(const char *path, struct psv_htpasswd_file **ret_file, struct psv_error *reterr)
{
    int code = check_mode(path, reterr);
    struct psv_htpasswd_file *file = code == PSV_OK ? psv_calloc(1, sizeof(*file)) : NULL;

    if (code != PSV_OK) {
        return code;
    }
    if (file == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "no memory for %s", path);
    }
    file->path = path;
    psv_map_init(&file->users, USERS_MAX);
    psv_buffer_init(&file->text, FILE_BYTES_MAX);
    code = psv_fd_read_file(path, &file->text);
    if (code == PSV_OK) {
        code = psv_buffer_append(&file->text, "\n", 1); /* room for the last line's NUL */
    }
    if (code != PSV_OK) {
        code = psv_error_set(reterr, code, "guard.basic_auth: %s cannot be read (%s)", path,
                             psv_error_text(code));
    } else {
        code = read_lines(file, reterr);
    }
    if (code != PSV_OK) {
        (void)psv_htpasswd_file_free(file);
        return code;
    }
    *ret_file = file;
    return PSV_OK;
}

struct psv_htpasswd_file *psv_htpasswd_file_free(struct psv_htpasswd_file *file)
{
    if (file != NULL) {
        psv_map_fini(&file->users);
        psv_buffer_fini(&file->text);
        psv_free(file);
    }
    return NULL;
}

const char *psv_htpasswd_file_find(const struct psv_htpasswd_file *file, struct psv_bytes user,
                                   bool *ret_is_known)
{
    const char *hash = psv_map_find(&file->users, user);

    *ret_is_known = hash != NULL;
    return hash != NULL ? hash : file->any_hash;
}
