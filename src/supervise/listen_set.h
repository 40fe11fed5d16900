/* The listening sockets that the supervisor holds for all generations: opened by configuration or taken from
 * a service manager, kept over reloads as long as their addresses are wanted.  [boot]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "os/socket_listener.h"

struct psv_config;

#define PSV_LISTEN_SET_MAX 48
#define PSV_LISTEN_TEXT_MAX 128

struct psv_listen_set {
    struct psv_listen_item {
        const char *kind;               /* "site", "tls", "internal": static */
        char text[PSV_LISTEN_TEXT_MAX]; /* as configured; "" = a service manager's */
        struct psv_listening_socket socket;
        bool is_shared; /* the set before this one has it as well */
    } items[PSV_LISTEN_SET_MAX];
    size_t len;
};

/** Sockets of LISTEN_FDS.  0, PSV_EINVAL. */
MUST_CHECK int psv_listen_set_take_activated(struct psv_listen_set *set, struct psv_error *reterr);

/** What config asks for: sockets of old are shared where kind and address are the same, those of a service
 * manager stay in place of their kind's; others are opened.  On failure *ret_set is empty and old as before.
 */
MUST_CHECK int psv_listen_set_open(const struct psv_config *config, const struct psv_listen_set *old,
                                   struct psv_listen_set *ret_set, struct psv_error *reterr);
/** old gives way to set, which was opened after it: what is not shared is closed. */
void psv_listen_set_replace(struct psv_listen_set *old, struct psv_listen_set *set);
/** Undoes psv_listen_set_open. */
void psv_listen_set_discard(struct psv_listen_set *set);
/** Closes the descriptors and leaves the files: servers that have them go on listening, and when they stop
 * there is nobody left in whose queue a connection could wait in vain. */
void psv_listen_set_release(struct psv_listen_set *set);
/** Closes all and removes our files. */
void psv_listen_set_close(struct psv_listen_set *set);
