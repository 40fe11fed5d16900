/* The supervisor's listening sockets; see listen_set.h.
 *
 * SPDX-License-Identifier: MIT */
#include "listen_set.h"

#include <string.h>

#include "config/config.h"
#include "os/activation.h"
#include "os/fd.h"

static const char *const kinds[] = {"site", "tls", "internal"};

int psv_listen_set_take_activated(struct psv_listen_set *set, struct psv_error *reterr)
{
    struct psv_activated_socket sockets[PSV_LISTEN_SET_MAX];
    size_t len;
    int code = psv_activation_take(sockets, ARRAY_SIZE(sockets), &len, reterr);

    for (size_t i = 0; i < len && code == PSV_OK; i++) {
        struct psv_listen_item *item = &set->items[set->len];
        *item = (struct psv_listen_item){.kind = kinds[0]};
        for (size_t k = 1; k < ARRAY_SIZE(kinds); k++) {
            if (strcmp(sockets[i].name, kinds[k]) == 0) {
                item->kind = kinds[k];
            }
        }
        code = psv_listening_socket_adopt(sockets[i].fd, &item->socket, reterr);
        set->len += code == PSV_OK;
    }
    return code;
}

static const struct psv_listen_item *find(const struct psv_listen_set *set, const char *kind,
                                          struct psv_bytes text)
{
    for (size_t i = 0; i < set->len; i++) {
        if (set->items[i].kind == kind && psv_bytes_equal(psv_bytes_of(set->items[i].text), text)) {
            return &set->items[i];
        }
    }
    return NULL;
}

static int open_one(struct psv_listen_set *set, const struct psv_listen_set *old, const char *kind,
                    struct psv_bytes text, const struct psv_listen_options *options, struct psv_error *reterr)
{
    struct psv_listen_item *item = &set->items[set->len];

    if (set->len == PSV_LISTEN_SET_MAX || text.len >= sizeof(item->text)) {
        return psv_error_set(reterr, PSV_ELIMIT, "too many addresses to listen on, or too long ones");
    }
    const struct psv_listen_item *known = find(old, kind, text);
    if (known != NULL) {
        *item = *known;
        item->is_shared = true;
    } else {
        *item = (struct psv_listen_item){.kind = kind};
        memcpy(item->text, text.data, text.len);
        int code = psv_listening_socket_open(text, options, &item->socket, reterr);
        if (code != PSV_OK) {
            return code;
        }
    }
    set->len++;
    return PSV_OK;
}

static int open_kind(struct psv_listen_set *set, const struct psv_listen_set *old, const char *kind,
                     const char *addresses, const struct psv_listen_options *options,
                     struct psv_error *reterr)
{
    struct psv_bytes rest = psv_bytes_of(addresses);
    struct psv_bytes text;
    int code = PSV_OK;
    bool has_activated = false;

    for (size_t i = 0; i < old->len && code == PSV_OK; i++) {
        if (old->items[i].kind == kind && old->items[i].text[0] == '\0') {
            has_activated = true;
            set->items[set->len] = old->items[i];
            set->items[set->len++].is_shared = true;
        }
    }
    while (!has_activated && code == PSV_OK && psv_socket_next_address(&rest, &text)) {
        code = open_one(set, old, kind, text, options, reterr);
    }
    return code;
}

int psv_listen_set_open(const struct psv_config *config, const struct psv_listen_set *old,
                        struct psv_listen_set *ret_set, struct psv_error *reterr)
{
    const struct psv_listen_options options = {.backlog = (int)config->listen.backlog,
                                               .has_reuse_port = config->listen.reuse_port};

    ret_set->len = 0;
    int code = open_kind(ret_set, old, kinds[0], config->listen.address, &options, reterr);
    if (code == PSV_OK) {
        bool has_tls = config->tls.certificates.len > 0;
        code = open_kind(ret_set, old, kinds[1], has_tls ? config->tls.listen : "", &options, reterr);
    }
    if (code == PSV_OK) {
        code = open_kind(ret_set, old, kinds[2], config->internal.listen, &options, reterr);
    }
    if (code != PSV_OK) {
        psv_listen_set_discard(ret_set);
    }
    return code;
}

static void close_item(struct psv_listen_item *item)
{
    psv_listening_socket_remove_file(&item->socket);
    item->socket.fd = psv_fd_close(item->socket.fd);
}

void psv_listen_set_discard(struct psv_listen_set *set)
{
    for (size_t i = 0; i < set->len; i++) {
        if (!set->items[i].is_shared) {
            close_item(&set->items[i]);
        }
    }
    set->len = 0;
}

void psv_listen_set_replace(struct psv_listen_set *old, struct psv_listen_set *set)
{
    for (size_t i = 0; i < old->len; i++) {
        bool is_kept = false;
        for (size_t k = 0; k < set->len; k++) {
            is_kept |= set->items[k].socket.fd == old->items[i].socket.fd;
        }
        if (!is_kept) {
            close_item(&old->items[i]);
        }
    }
    for (size_t k = 0; k < set->len; k++) {
        set->items[k].is_shared = false;
    }
    *old = *set;
    set->len = 0;
}

void psv_listen_set_release(struct psv_listen_set *set)
{
    for (size_t i = 0; i < set->len; i++) {
        struct psv_listen_item *item = &set->items[i];
        item->socket.fd = item->is_shared ? -1 : psv_fd_close(item->socket.fd);
    }
}

void psv_listen_set_close(struct psv_listen_set *set)
{
    for (size_t i = 0; i < set->len; i++) {
        close_item(&set->items[i]);
    }
    set->len = 0;
}
