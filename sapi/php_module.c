/* The table of callbacks that PHP calls, each a delegation of one line to the file that knows how.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_module.h"

#include "php_error.h"
#include "php_frankenphp.h"
#include "php_headers.h"
#include "php_ini_settings.h"
#include "php_input.h"
#include "php_output.h"
#include "php_request.h"
#include "php_superglobals.h"

static char *own_name;

static int module_startup(sapi_module_struct *module)
{
    psv_php_frankenphp_prepare();
    return php_module_startup(module, psv_php_functions_module());
}

static int on_activate(void)
{
    return psv_php_request_on_activate();
}

static int on_deactivate(void)
{
    return SUCCESS;
}

static size_t ub_write(const char *data, size_t len)
{
    return psv_php_output_write(data, len);
}

static void flush_output(void *server_context)
{
    psv_php_output_flush(server_context);
}

static int send_headers(sapi_headers_struct *headers)
{
    return psv_php_headers_send(headers);
}

static size_t read_post(char *out, size_t len)
{
    return psv_php_input_read(out, len);
}

static char *read_cookies(void)
{
    return psv_php_input_cookies();
}

static void register_server_variables(zval *array)
{
    psv_php_superglobals_fill_server(array);
}

static void log_message(const char *message, int syslog_level)
{
    psv_php_error_log(message, syslog_level);
}

static zend_result get_request_time(double *ret_time)
{
    return psv_php_request_time(ret_time);
}

static char pretty_name[] = "phpsrv application server";
static sapi_module_struct module = {
    .pretty_name = pretty_name,
    .startup = module_startup,
    .shutdown = php_module_shutdown_wrapper,
    .activate = on_activate,
    .deactivate = on_deactivate,
    .ub_write = ub_write,
    .flush = flush_output,
    .sapi_error = php_error,
    .send_headers = send_headers,
    .read_post = read_post,
    .read_cookies = read_cookies,
    .getenv = psv_php_superglobals_getenv,
    .register_server_variables = register_server_variables,
    .log_message = log_message,
    .get_request_time = get_request_time,
    .php_ini_ignore_cwd = 1, /* a server's start directory is an accident */
    .ini_defaults = psv_php_ini_set_defaults,
};

sapi_module_struct *psv_php_module_get(void)
{
    return &module;
}

void psv_php_module_set_name(const char *name)
{
    own_name = (char *)(uintptr_t)name;
    module.name = own_name;
}

void psv_php_module_show_name(const char *name)
{
    sapi_module.name = (char *)(uintptr_t)name;
}

void psv_php_module_restore_name(void)
{
    sapi_module.name = own_name;
}
