/* A folder of a test's own, removed with all that is in it.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "table.h"

struct temp_folder {
    char path[256];
};

static inline void temp_folder_make(struct temp_folder *folder)
{
    const char *parent = getenv("TMPDIR");
    int len = snprintf(folder->path, sizeof(folder->path), "%s/phpsrv-test-XXXXXX",
                       parent != NULL ? parent : "/tmp");
    assert_in_range(len, 1, sizeof(folder->path) - 1);
    assert_non_null(mkdtemp(folder->path));
}

static inline int temp_folder_remove_entry(const char *path, const struct stat *facts, int kind,
                                           struct FTW *place)
{
    (void)facts;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline void temp_folder_remove(struct temp_folder *folder)
{
    assert_int_equal(nftw(folder->path, temp_folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    folder->path[0] = '\0';
}

/** Absolute path of a name in the folder. */
static inline const char *temp_folder_path(const struct temp_folder *folder, const char *name, char out[512])
{
    int len = snprintf(out, 512, "%s/%s", folder->path, name);
    assert_in_range(len, 1, 511);
    return out;
}

static inline void temp_folder_make_folder(const struct temp_folder *folder, const char *name)
{
    char path[512];
    assert_int_equal(mkdir(temp_folder_path(folder, name, path), 0755), 0);
}

/** Writes a file and the folders above it. */
static inline void temp_folder_write(const struct temp_folder *folder, const char *name, const char *content)
{
    char path[512];
    temp_folder_path(folder, name, path);
    for (char *slash = strchr(path + strlen(folder->path) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0755); /* may be there already */
        *slash = '/';
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    assert_int_equal(close(fd), 0);
}
