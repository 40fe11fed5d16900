/* Sockets that a service manager opened for us (sd_listen_fds(3)), without its library.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/macros.h"

struct psv_error;

#define PSV_ACTIVATION_NAME_MAX 64

struct psv_activated_socket {
    int fd;                             /* listening, non-blocking, close-on-exec; the caller's */
    char name[PSV_ACTIVATION_NAME_MAX]; /* FileDescriptorName=, "" when there is none */
};

/** Takes the sockets that are meant for this process, once: the environment variables are removed, so that
 * children do not see them.  *ret_len is 0 when there are none.  PSV_EINVAL with a sentence for a descriptor
 * that is no listening stream socket, or more than max of them. */
MUST_CHECK int psv_activation_take(struct psv_activated_socket *sockets, size_t max, size_t *ret_len,
                                   struct psv_error *reterr);
