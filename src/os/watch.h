/* Changes of files below folders, as the kernel reports them (inotify(7)).  One thread at a time; reading
 * never blocks.  Knows no policy: what a change means is the caller's affair.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"

struct psv_watch;

struct psv_watch_event {
    const char *folder; /* as it was added, or found below one that was */
    const char *name;   /* of the file in it; NULL: events were lost, anything may have changed */
};

typedef void psv_watch_fn(const struct psv_watch_event *event, void *context);
/** True: this folder of a tree, and all below it, is not watched. */
typedef bool psv_watch_skip_fn(const char *name);

struct psv_watch_options {
    unsigned folders_max;
    psv_watch_skip_fn *skip; /* may be NULL */
    psv_watch_fn *on_change;
    void *context;
};

/** PSV_ENOMEM, PSV_ELIMIT (of the system), PSV_EUNSUPPORTED. */
MUST_CHECK int psv_watch_new(const struct psv_watch_options *options, struct psv_watch **ret_watch,
                             struct psv_error *reterr);
/** Accepts NULL; returns NULL. */
struct psv_watch *psv_watch_free(struct psv_watch *watch);

/** Files of the folder itself.  PSV_ENOENT, PSV_EACCESS, PSV_ELIMIT, PSV_ENOMEM, PSV_EIO. */
MUST_CHECK int psv_watch_add_folder(struct psv_watch *watch, const char *path);
/** The folder and those below it, now and when they are made; symbolic links below it are not followed.  What
 * is too much stays unwatched, see psv_watch_is_full. */
MUST_CHECK int psv_watch_add_tree(struct psv_watch *watch, const char *path);

unsigned psv_watch_folders(const struct psv_watch *watch);
/** Some folder is not watched: folders_max, or the system's own limit (fs.inotify.max_user_watches). */
bool psv_watch_is_full(const struct psv_watch *watch);

/** Readable when something has changed. */
int psv_watch_fd(const struct psv_watch *watch);
/** Calls on_change for what has come: written, touched, made, renamed and removed files; up to a few hundred
 * at once, the descriptor stays readable when there is more. */
void psv_watch_read(struct psv_watch *watch);
