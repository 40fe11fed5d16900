/* The server's side of the supervisor; see supervised.h.
 *
 * SPDX-License-Identifier: MIT */
#include "supervised.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "os/fd.h"

void psv_supervised_init(struct psv_supervised *supervised)
{
    const char *text = getenv(PSV_SUPERVISED_VARIABLE);

    *supervised = (struct psv_supervised){.fd = -1};
    if (text != NULL && sscanf(text, "fd=%d,generation=%u,crashes=%u", &supervised->fd,
                               &supervised->generation, &supervised->crashes) == 3) {
        /* not for commands that scripts start */
        if (psv_fd_set_cloexec(supervised->fd, true) != PSV_OK ||
            psv_fd_set_nonblock(supervised->fd, true) != PSV_OK) {
            supervised->fd = -1;
        }
    }
    (void)unsetenv(PSV_SUPERVISED_VARIABLE);
}

bool psv_supervised_is(const struct psv_supervised *supervised)
{
    return supervised->fd >= 0;
}

/* A supervisor that reads nothing, or is gone, is no reason to stop serving. */
static void tell(const struct psv_supervised *supervised, char what)
{
    if (supervised->fd >= 0) {
        (void)!write(supervised->fd, &what, 1);
    }
}

void psv_supervised_tell_ready(const struct psv_supervised *supervised)
{
    tell(supervised, 'R');
}

void psv_supervised_tell_beat(const struct psv_supervised *supervised)
{
    tell(supervised, 'B');
}
