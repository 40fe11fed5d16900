/* See passwords.h.
 *
 * SPDX-License-Identifier: MIT */
#include "passwords.h"

#include "net/loop.h"
#include "server/server_state.h"

static void on_found(int fd, void *context)
{
    struct psv_server *server = context;

    (void)fd;
    psv_password_checker_collect(&server->passwords, server->loop.now_ns);
}

int psv_passwords_boot(struct psv_server *server, struct psv_error *reterr)
{
    struct psv_sites *sites = &server->pipeline.sites;
    bool is_needed = false;

    for (size_t i = 0; i < sites->len; i++) {
        sites->items[i].own_basic_auth.checker = &server->passwords;
        is_needed |= sites->items[i].own_basic_auth.len > 0;
    }
    if (!is_needed) {
        return PSV_OK;
    }
    int code = psv_password_checker_start(&server->passwords, reterr);
    if (code != PSV_OK) {
        return code;
    }
    server->passwords_are_started = true;
    server->password_watch =
        psv_loop_watch_new(&server->loop, server->passwords.notifier.fd, on_found, server);
    return server->password_watch != NULL
               ? PSV_OK
               : psv_error_set(reterr, PSV_ENOMEM, "cannot watch for checked passwords: out of memory");
}

bool psv_passwords_stop(struct psv_server *server)
{
    return !server->passwords_are_started || psv_password_checker_stop(&server->passwords) == PSV_OK;
}

void psv_passwords_fini(struct psv_server *server)
{
    server->password_watch = psv_loop_watch_free(server->password_watch);
    if (server->passwords_are_started) {
        server->passwords_are_started = false;
        psv_password_checker_fini(&server->passwords);
    }
}
