/* poll() and flock() for the whole process, in place of the C library's.  PHP's streams, and with them its
 * MySQL driver, and libpq wait in poll() and go on waiting when a signal breaks it; a session waits for its
 * file in flock() the same way.  A script that has been interrupted would sleep on until its peer answers.
 * Here such a wait ends with ECANCELED, an error that nobody repeats.  Threads without an interrupted script
 * see no difference.  [any]
 *
 * These two symbols are visible on purpose: libphp and the libraries under it find them before the C
 * library's.
 *
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "php_timeout.h"

__attribute__((visibility("default"))) int poll(struct pollfd *fds, nfds_t fds_len, int timeout_ms);
__attribute__((visibility("default"))) int flock(int fd, int operation);

/** Turns an interrupted wait into one that will not be repeated. */
static int leave_if_interrupted(int rc)
{
    if (rc < 0 && errno == EINTR && psv_php_timeout_is_interrupted())
        errno = ECANCELED;
    return rc;
}

/** The interrupt may have come just before the wait: then no signal breaks it. */
static bool must_not_wait(void)
{
    if (!psv_php_timeout_is_interrupted())
        return false;
    errno = ECANCELED;
    return true;
}

static int wait_poll(struct pollfd *fds, nfds_t fds_len, int timeout_ms)
{
#ifdef SYS_poll
    return (int)syscall(SYS_poll, fds, fds_len, timeout_ms);
#else
    struct timespec timeout = {timeout_ms / 1000, (timeout_ms % 1000) * 1000000L};
    return (int)syscall(SYS_ppoll, fds, fds_len, timeout_ms < 0 ? NULL : &timeout, NULL, 0);
#endif
}

int poll(struct pollfd *fds, nfds_t fds_len, int timeout_ms)
{
    if (timeout_ms != 0 && must_not_wait())
        return -1;
    return leave_if_interrupted(wait_poll(fds, fds_len, timeout_ms));
}

int flock(int fd, int operation)
{
    if ((operation & (LOCK_NB | LOCK_UN)) == 0 && must_not_wait())
        return -1;
    return leave_if_interrupted((int)syscall(SYS_flock, fd, operation));
}
