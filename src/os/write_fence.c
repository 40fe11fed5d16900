/* See write_fence.h.  Interface: linux/landlock.h, Documentation/userspace-api/landlock.rst.
 *
 * SPDX-License-Identifier: MIT */
#include "write_fence.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd.h"

/* Younger than some headers that we are built with. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define WRITING                                                                                              \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |        \
     LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |              \
     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |           \
     LANDLOCK_ACCESS_FS_MAKE_SYM)
#define WRITING_OF_A_FILE (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)

/* What this kernel knows of it; 0: nothing. */
static uint64_t known_accesses(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (version < 1) {
        return 0;
    }
    return WRITING | (version >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0) |
           (version >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE : 0);
}

static int allow(int ruleset, const char *path, uint64_t accesses, struct psv_error *reterr)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = accesses,
                                              .parent_fd = open(path, O_PATH | O_CLOEXEC)};
    struct stat facts;

    if (rule.parent_fd < 0) {
        return psv_error_set_errno(reterr, PSV_ENOENT, errno, "\"%s\", where files may be written", path);
    }
    if (fstat(rule.parent_fd, &facts) == 0 && !S_ISDIR(facts.st_mode)) {
        rule.allowed_access &= WRITING_OF_A_FILE;
    }
    long code = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    int error = errno;
    (void)psv_fd_close(rule.parent_fd);
    return code == 0 ? PSV_OK
                     : psv_error_set_errno(reterr, PSV_EIO, error, "Landlock does not take \"%s\"", path);
}

int psv_write_fence_raise(const char *const *folders, size_t folders_len, struct psv_error *reterr)
{
    const struct landlock_ruleset_attr attributes = {.handled_access_fs = known_accesses()};

    if (attributes.handled_access_fs == 0) {
        return psv_error_set(
            reterr, PSV_EUNSUPPORTED,
            "this kernel has no Landlock, or it is switched off: folders for writing cannot be enforced");
    }
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);
    if (ruleset < 0) {
        return psv_error_set_errno(reterr, PSV_EIO, errno, "Landlock does not work");
    }
    int code = allow(ruleset, "/dev", attributes.handled_access_fs & WRITING_OF_A_FILE, reterr);
    for (size_t i = 0; i < folders_len && code == PSV_OK; i++) {
        code = allow(ruleset, folders[i], attributes.handled_access_fs, reterr);
    }
    if (code == PSV_OK && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
                           syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)) {
        code = psv_error_set_errno(reterr, PSV_EIO, errno, "Landlock does not take effect");
    }
    (void)psv_fd_close(ruleset);
    return code;
}
