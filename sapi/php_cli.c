/* See php_cli.h.  A CLI inside of this program would be a second SAPI, with its own ideas of signals, output
 * and standard streams; PHP's is installed beside the library that we are linked with.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_cli.h"

#include <build-defs.h>
#include <errno.h>
#include <unistd.h>

#include "base/memory.h"
#include "config/config.h"

#define PROGRAM PHP_BINDIR "/php"

int psv_php_cli_run(const struct psv_config *config, char **arguments, struct psv_error *reterr)
{
    const struct psv_config_list *definitions = &config->php.ini_values;
    size_t arguments_len = 0;
    while (arguments[arguments_len] != NULL)
        arguments_len++;

    char **all = psv_calloc(2 * definitions->len + arguments_len + 4, sizeof(*all));
    if (all == NULL)
        return psv_error_set(reterr, PSV_ENOMEM, "out of memory");
    size_t len = 0;
    all[len++] = (char *)(uintptr_t)PROGRAM;
    if (*config->php.ini_file != '\0') {
        all[len++] = (char *)(uintptr_t) "-c";
        all[len++] = (char *)(uintptr_t)config->php.ini_file;
    }
    for (size_t i = 0; i < definitions->len; i++) {
        all[len++] = (char *)(uintptr_t) "-d";
        all[len++] = (char *)(uintptr_t)definitions->items[i];
    }
    memcpy(all + len, arguments, arguments_len * sizeof(*all));
    (void)execv(PROGRAM, all);
    int error = errno;
    psv_free(all);
    return psv_error_set_errno(reterr, error == ENOENT ? PSV_ENOENT : PSV_EIO, error,
                               "cannot run " PROGRAM ", which is PHP's own program for the command line");
}
