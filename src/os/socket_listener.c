/* Listening sockets by text; see socket_listener.h.
 *
 * SPDX-License-Identifier: MIT */
#include "socket_listener.h"

#include "os/fd.h"

/* The group may connect, as under php-fpm. */
#define UNIX_MODE 0660

static int finish_file(struct psv_listening_socket *listening, struct psv_bytes text,
                       struct psv_error *reterr)
{
    int errno_value = psv_socket_finish_unix(&listening->address, UNIX_MODE, &listening->file);

    listening->is_file = errno_value == 0;
    return errno_value == 0 ? PSV_OK
                            : psv_error_set_errno(reterr, psv_error_of_errno(errno_value), errno_value,
                                                  "cannot set the permissions of %.*s", PSV_BYTES_ARG(text));
}

int psv_listening_socket_open(struct psv_bytes text, const struct psv_listen_options *options,
                              struct psv_listening_socket *ret_socket, struct psv_error *reterr)
{
    struct psv_listening_socket listening = {.fd = -1};
    struct psv_socket_address parsed;
    int code = psv_socket_parse_address(text, &parsed, reterr);

    if (code == PSV_OK) {
        code = psv_socket_listen(&parsed, options, &listening.fd, &listening.address, reterr);
    }
    if (code == PSV_OK && psv_socket_is_unix(&parsed)) {
        listening.address = parsed;
        code = finish_file(&listening, text, reterr);
    }
    if (code != PSV_OK) {
        (void)psv_fd_close(listening.fd);
        return code;
    }
    *ret_socket = listening;
    return PSV_OK;
}

int psv_listening_socket_adopt(int fd, struct psv_listening_socket *ret_socket, struct psv_error *reterr)
{
    struct psv_listening_socket listening = {.fd = fd};

    if (psv_socket_local_address(fd, &listening.address) != PSV_OK) {
        return psv_error_set(reterr, PSV_EINVAL, "descriptor %d of LISTEN_FDS has no address", fd);
    }
    *ret_socket = listening;
    return PSV_OK;
}

void psv_listening_socket_remove_file(const struct psv_listening_socket *socket)
{
    if (socket->is_file) {
        psv_socket_remove_unix(&socket->address, &socket->file);
    }
}
