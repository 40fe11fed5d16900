/* nice() in place of the C library's, to know that it was called; see php_nice.h.
 *
 * SPDX-License-Identifier: MIT */
#include "php_nice.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

static _Thread_local bool is_changed;
static _Thread_local int before;

__attribute__((visibility("default"))) int nice(int increment);

int nice(int increment)
{
    errno = 0;
    int now = getpriority(PRIO_PROCESS, 0); /* 0: this thread */
    if (now == -1 && errno != 0)
        return -1;
    if (setpriority(PRIO_PROCESS, 0, now + increment) != 0) {
        errno = errno == EACCES ? EPERM : errno; /* nice(2) */
        return -1;
    }
    if (!is_changed)
        before = now;
    is_changed = true;
    return getpriority(PRIO_PROCESS, 0);
}

void psv_php_nice_restore(void)
{
    if (is_changed)
        (void)setpriority(PRIO_PROCESS, 0, before);
    is_changed = false;
}
