/* Socket activation; see activation.h.
 *
 * SPDX-License-Identifier: MIT */
#include "activation.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/text_parse.h"
#include "os/fd.h"

#define FIRST_FD 3

static int option_of(int fd, int option)
{
    int value = 0;
    socklen_t len = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

static int take_one(int fd, struct psv_bytes name, struct psv_activated_socket *ret, struct psv_error *reterr)
{
    if (option_of(fd, SO_TYPE) != SOCK_STREAM || option_of(fd, SO_ACCEPTCONN) != 1 ||
        psv_fd_set_cloexec(fd, true) != PSV_OK || psv_fd_set_nonblock(fd, true) != PSV_OK) {
        return psv_error_set(reterr, PSV_EINVAL,
                             "descriptor %d of LISTEN_FDS is not a listening stream socket", fd);
    }
    size_t len = MIN(name.len, sizeof(ret->name) - 1);
    ret->fd = fd;
    memcpy(ret->name, len > 0 ? name.data : "", len);
    ret->name[len] = '\0';
    return PSV_OK;
}

static struct psv_bytes next_name(struct psv_bytes *rest)
{
    size_t end = psv_bytes_find(*rest, ':');
    struct psv_bytes name = psv_bytes_first(*rest, end);

    *rest = psv_bytes_from(*rest, MIN(end + 1, rest->len));
    return name;
}

static struct psv_bytes environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL ? psv_bytes_of(value) : PSV_BYTES_EMPTY;
}

int psv_activation_take(struct psv_activated_socket *sockets, size_t max, size_t *ret_len,
                        struct psv_error *reterr)
{
    struct psv_bytes names = environment("LISTEN_FDNAMES");
    uint64_t pid = 0;
    uint64_t len = 0;
    int code = PSV_OK;

    *ret_len = 0;
    if (psv_parse_u64(environment("LISTEN_PID"), &pid) != PSV_OK || pid != (uint64_t)getpid() ||
        psv_parse_u64(environment("LISTEN_FDS"), &len) != PSV_OK) {
        return PSV_OK;
    }
    if (len > max) {
        return psv_error_set(reterr, PSV_EINVAL, "LISTEN_FDS names %llu sockets, %zu are the most",
                             (unsigned long long)len, max);
    }
    for (uint64_t i = 0; i < len && code == PSV_OK; i++) {
        code = take_one(FIRST_FD + (int)i, next_name(&names), &sockets[i], reterr);
    }
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    *ret_len = code == PSV_OK ? (size_t)len : 0;
    return code;
}
