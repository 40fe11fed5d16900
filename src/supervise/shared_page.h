/* A page of memory that the supervisor writes and its servers read: what happens while a server lives, such
 * as a reload that failed.  [boot] makes and writes it, [any] reads.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/macros.h"

/** Numbers for people: nothing hangs on their order. */
struct psv_shared_page {
    _Atomic uint32_t reloads_done;
    _Atomic uint32_t reloads_failed;
    _Atomic uint32_t last_reload_failed;
    _Atomic uint64_t last_reload_unix_s;
};

/** *ret_fd names it for servers.  NULL when there is no memory. */
MUST_CHECK struct psv_shared_page *psv_shared_page_new(int *ret_fd);
/** The page that fd names, to be read; fd is closed.  NULL when it names none. */
MUST_CHECK const struct psv_shared_page *psv_shared_page_open(int fd);
