/* Talks to the service manager that started us, as sd_notify(3) does; without one nothing happens.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct psv_service_manager {
    int fd; /* -1: there is none */
    struct sockaddr_un address;
    socklen_t address_len;
    uint64_t watchdog_ns; /* it wants to hear from us within this; 0 = never */
};

/** Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and removes them from the environment. */
void psv_service_manager_init(struct psv_service_manager *manager);
void psv_service_manager_fini(struct psv_service_manager *manager);
/** "READY=1", "STOPPING=1", ... */
void psv_service_manager_tell(const struct psv_service_manager *manager, const char *state);
/** RELOADING=1 with the time that the protocol asks for. */
void psv_service_manager_tell_reloading(const struct psv_service_manager *manager);
