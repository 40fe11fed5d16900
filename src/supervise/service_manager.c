/* The protocol of sd_notify(3); see service_manager.h.
 *
 * SPDX-License-Identifier: MIT */
#include "service_manager.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/text_parse.h"
#include "os/clock.h"
#include "os/fd.h"

static uint64_t read_watchdog(void)
{
    const char *usec = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    uint64_t value = 0;
    uint64_t wanted_pid = (uint64_t)getpid();

    if (usec == NULL || psv_parse_u64(psv_bytes_of(usec), &value) != PSV_OK ||
        (pid != NULL && psv_parse_u64(psv_bytes_of(pid), &wanted_pid) != PSV_OK) ||
        wanted_pid != (uint64_t)getpid() || value > UINT64_MAX / PSV_NS_PER_US) {
        return 0;
    }
    return value * PSV_NS_PER_US;
}

void psv_service_manager_init(struct psv_service_manager *manager)
{
    const char *path = getenv("NOTIFY_SOCKET");

    *manager = (struct psv_service_manager){.fd = -1, .watchdog_ns = read_watchdog()};
    size_t len = path != NULL ? strlen(path) : 0;
    if (len > 1 && len < sizeof(manager->address.sun_path) && (path[0] == '/' || path[0] == '@')) {
        manager->address.sun_family = AF_UNIX;
        memcpy(manager->address.sun_path, path, len);
        if (path[0] == '@') {
            manager->address.sun_path[0] = '\0'; /* an abstract name */
        }
        manager->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
        manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    }
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}

void psv_service_manager_fini(struct psv_service_manager *manager)
{
    manager->fd = psv_fd_close(manager->fd);
}

void psv_service_manager_tell(const struct psv_service_manager *manager, const char *state)
{
    if (manager->fd >= 0) {
        (void)!sendto(manager->fd, state, strlen(state), MSG_NOSIGNAL,
                      (const struct sockaddr *)&manager->address, manager->address_len);
    }
}

void psv_service_manager_tell_reloading(const struct psv_service_manager *manager)
{
    char text[80];

    (void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
                   (unsigned long long)(psv_clock_monotonic_ns() / PSV_NS_PER_US));
    psv_service_manager_tell(manager, text);
}
