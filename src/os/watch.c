/* See watch.h.
 *
 * SPDX-License-Identifier: MIT */
#include "watch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "fd.h"

#define EVENT_BYTES ((size_t)16 * 1024)
#define DEPTH_MAX 64
#define MASK                                                                                                 \
    (IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR |         \
     IN_EXCL_UNLINK)

struct folder {
    int id; /* the kernel's */
    bool is_tree;
    char *path;
};

struct psv_watch {
    struct psv_watch_options options;
    int fd;
    struct folder *folders;
    unsigned len;
    unsigned capacity;
    bool is_full;
};

int psv_watch_new(const struct psv_watch_options *options, struct psv_watch **ret_watch,
                  struct psv_error *reterr)
{
    struct psv_watch *watch = psv_calloc(1, sizeof(*watch));

    if (watch == NULL) {
        return psv_error_set(reterr, PSV_ENOMEM, "no memory to watch files");
    }
    watch->options = *options;
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->fd < 0) {
        int number = errno;
        psv_free(watch);
        return psv_error_set_errno(reterr, psv_error_of_errno(number), number, "files cannot be watched");
    }
    *ret_watch = watch;
    return PSV_OK;
}

struct psv_watch *psv_watch_free(struct psv_watch *watch)
{
    if (watch != NULL) {
        watch->fd = psv_fd_close(watch->fd);
        for (unsigned i = 0; i < watch->len; i++) {
            psv_free(watch->folders[i].path);
        }
        psv_free(watch->folders);
        psv_free(watch);
    }
    return NULL;
}

unsigned psv_watch_folders(const struct psv_watch *watch)
{
    return watch->len;
}

bool psv_watch_is_full(const struct psv_watch *watch)
{
    return watch->is_full;
}

int psv_watch_fd(const struct psv_watch *watch)
{
    return watch->fd;
}

/* ---- folders */

static struct folder *find_id(const struct psv_watch *watch, int id)
{
    for (unsigned i = 0; i < watch->len; i++) {
        if (watch->folders[i].id == id) {
            return &watch->folders[i];
        }
    }
    return NULL;
}

static int make_room(struct psv_watch *watch)
{
    if (watch->len == watch->options.folders_max) {
        watch->is_full = true;
        return PSV_ELIMIT;
    }
    if (watch->len == watch->capacity) {
        unsigned capacity = MIN(MAX(watch->capacity * 2, 64u), watch->options.folders_max);
        struct folder *folders = psv_realloc(watch->folders, capacity * sizeof(*folders));
        if (folders == NULL) {
            return PSV_ENOMEM;
        }
        watch->folders = folders;
        watch->capacity = capacity;
    }
    return PSV_OK;
}

static int add(struct psv_watch *watch, const char *path, bool is_tree)
{
    char *copy = psv_strndup(path, strlen(path));
    int code = copy != NULL ? make_room(watch) : PSV_ENOMEM;
    int id = code == PSV_OK ? inotify_add_watch(watch->fd, path, MASK) : -1;

    if (id < 0) {
        psv_free(copy);
        if (code == PSV_OK) {
            code = errno == ENOSPC ? PSV_ELIMIT : psv_error_of_errno(errno);
            watch->is_full |= code == PSV_ELIMIT;
        }
        return code;
    }
    struct folder *folder = find_id(watch, id); /* it was added before, perhaps by another name */
    if (folder == NULL) {
        folder = &watch->folders[watch->len++];
        *folder = (struct folder){.id = id};
    }
    psv_free(folder->path);
    folder->path = copy;
    folder->is_tree |= is_tree;
    return PSV_OK;
}

static void forget(struct psv_watch *watch, int id)
{
    struct folder *folder = find_id(watch, id);

    if (folder != NULL) {
        psv_free(folder->path);
        *folder = watch->folders[--watch->len];
    }
}

static bool is_folder(const char *path, const struct dirent *entry)
{
    struct stat status;

    if (entry->d_type != DT_UNKNOWN) {
        return entry->d_type == DT_DIR;
    }
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* tells: its files are new. */
static int add_tree(struct psv_watch *watch, const char *path, bool tells, unsigned depth)
{
    char below[PATH_MAX];
    struct dirent *entry;
    int code = add(watch, path, true); /* first, so that nothing is missed that is made meanwhile */
    DIR *folder = code == PSV_OK ? opendir(path) : NULL;

    while (folder != NULL && code == PSV_OK && (entry = readdir(folder)) != NULL) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            snprintf(below, sizeof(below), "%s/%s", path, name) >= (int)sizeof(below)) {
            continue;
        }
        if (!is_folder(below, entry)) {
            if (tells) {
                watch->options.on_change(&(struct psv_watch_event){path, name}, watch->options.context);
            }
        } else if (depth < DEPTH_MAX && (watch->options.skip == NULL || !watch->options.skip(name))) {
            code = add_tree(watch, below, tells, depth + 1);
            /* one that may not be read, or has just gone, is no reason to give up the others */
            code = code == PSV_ELIMIT || code == PSV_ENOMEM ? code : PSV_OK;
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return code;
}

int psv_watch_add_folder(struct psv_watch *watch, const char *path)
{
    return add(watch, path, false);
}

int psv_watch_add_tree(struct psv_watch *watch, const char *path)
{
    return add_tree(watch, path, false, 0);
}

/* ---- events */

static void on_event(struct psv_watch *watch, const struct inotify_event *event)
{
    char path[PATH_MAX];

    if ((event->mask & IN_Q_OVERFLOW) != 0) {
        watch->options.on_change(&(struct psv_watch_event){"", NULL}, watch->options.context);
        return;
    }
    if ((event->mask & IN_IGNORED) != 0) { /* the folder is gone */
        forget(watch, event->wd);
        return;
    }
    const struct folder *folder = find_id(watch, event->wd);
    if (folder == NULL || event->len == 0) {
        return;
    }
    if ((event->mask & IN_ISDIR) == 0) {
        watch->options.on_change(&(struct psv_watch_event){folder->path, event->name},
                                 watch->options.context);
        return;
    }
    bool is_new = (event->mask & (IN_CREATE | IN_MOVED_TO)) != 0 && folder->is_tree;
    bool is_skipped = watch->options.skip != NULL && watch->options.skip(event->name);
    if (is_new && !is_skipped &&
        snprintf(path, sizeof(path), "%s/%s", folder->path, event->name) < (int)sizeof(path)) {
        (void)add_tree(watch, path, true, 0); /* is_full tells */
    }
}

void psv_watch_read(struct psv_watch *watch)
{
    _Alignas(struct inotify_event) char bytes[EVENT_BYTES];
    ssize_t len = read(watch->fd, bytes, sizeof(bytes));
    ssize_t at = 0;

    while (at < len) { /* the kernel gives whole events only */
        const struct inotify_event *event = (const void *)(bytes + at);
        at += (ssize_t)(sizeof(*event) + event->len);
        on_event(watch, event);
    }
}
