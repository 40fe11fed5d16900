/* The server's side of the supervisor; see supervised.h.
 *
 * SPDX-License-Identifier: MIT */
#include "supervised.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "os/fd.h"
#include "supervise/shared_page.h"

void psv_supervised_init(struct psv_supervised *supervised)
{
    const char *text = getenv(PSV_SUPERVISED_VARIABLE);

    int page_fd = -1;

    *supervised = (struct psv_supervised){.fd = -1};
    if (text != NULL && sscanf(text, "fd=%d,page=%d,generation=%u,crashes=%u", &supervised->fd, &page_fd,
                               &supervised->generation, &supervised->crashes) == 4) {
        supervised->page = psv_shared_page_open(page_fd);
        /* not for commands that scripts start */
        if (psv_fd_set_cloexec(supervised->fd, true) != PSV_OK ||
            psv_fd_set_nonblock(supervised->fd, true) != PSV_OK) {
            supervised->fd = -1;
        }
    }
    (void)unsetenv(PSV_SUPERVISED_VARIABLE);
}

struct psv_shared_facts psv_supervised_read_facts(const struct psv_supervised *supervised)
{
    const struct psv_shared_page *page = supervised->page;

    if (page == NULL) {
        return (struct psv_shared_facts){.reloads_done = 0};
    }
    return (struct psv_shared_facts){
        .reloads_done = atomic_load_explicit(&page->reloads_done, memory_order_relaxed),
        .reloads_failed = atomic_load_explicit(&page->reloads_failed, memory_order_relaxed),
        .last_reload_failed = atomic_load_explicit(&page->last_reload_failed, memory_order_relaxed) != 0,
        .last_reload_unix_s = atomic_load_explicit(&page->last_reload_unix_s, memory_order_relaxed),
    };
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

void psv_supervised_tell_reload(const struct psv_supervised *supervised)
{
    tell(supervised, 'L');
}

void psv_supervised_tell_end(const struct psv_supervised *supervised)
{
    tell(supervised, 'E');
}

void psv_supervised_tell_beat(const struct psv_supervised *supervised)
{
    tell(supervised, 'B');
}
