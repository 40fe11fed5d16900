/* The program: registers the executors that this build has and hands over to the server.
 * SPDX-License-Identifier: MIT */
#include "exec/executor_registry.h"
#include "phpsrv/server.h"
#if PSV_WITH_PHP
#include "sapi/php_executor.h"
#endif

extern char **environ;

int main(int argc, char **argv)
{
#if PSV_WITH_PHP
    psv_executor_register(&psv_executor_ext);
#endif
    psv_executor_register(&psv_executor_stub);
    return psv_cli_main(argc, argv, environ);
}
