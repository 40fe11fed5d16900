/* The program: hands the runtimes that this build has to the server.
 *
 * SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "phpsrv/server.h"
#if PSV_WITH_PHP
#include "sapi/php_executor.h"
#endif

extern char **environ;

int main(int argc, char **argv)
{
    const struct psv_executor *runtimes[] = {
#if PSV_WITH_PHP
        &psv_executor_ext,
        &psv_executor_eval,
#endif
        NULL,
    };

    return psv_cli_main(argc, argv, environ, runtimes, sizeof(runtimes) / sizeof(runtimes[0]) - 1);
}
