/* A listening socket by the text of its address, with what has to be known to give it back.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/macros.h"
#include "os/socket.h"

struct psv_listening_socket {
    int fd;
    struct psv_socket_address address; /* as bound */
    struct psv_socket_file file;       /* of a unix socket that we have made */
    bool is_file;
};

/** Opens "127.0.0.1:80", "unix:/path" ...; files get mode 0660.  Codes and sentences as psv_socket_listen. */
MUST_CHECK int psv_listening_socket_open(struct psv_bytes text, const struct psv_listen_options *options,
                                         struct psv_listening_socket *ret_socket, struct psv_error *reterr);
/** Takes over one that somebody else has opened; its file stays his.  PSV_EINVAL. */
MUST_CHECK int psv_listening_socket_adopt(int fd, struct psv_listening_socket *ret_socket,
                                          struct psv_error *reterr);
/** Removes its file, if it is ours. */
void psv_listening_socket_remove_file(const struct psv_listening_socket *socket);
