/* The module "frankenphp": what FrankenPHP offers to scripts, on the same C code as our own functions.
 * Libraries ask extension_loaded('frankenphp') and function_exists('frankenphp_handle_request'), so it is
 * there in classic requests, too, as in FrankenPHP.  [worker]
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_frankenphp.h"

#include <ext/spl/spl_exceptions.h>

#include "observe/log.h"
#include "php_functions.h"
#include "frankenphp_arginfo.h"

/* The release whose functions these are: what phpversion('frankenphp') says. */
#define CONTRACT_VERSION "1.12.7"

static int (*next_register)(void);

/* Numbers between the named ones belong to the lower one. */
static enum psv_log_level level_of(zend_long level)
{
    if (level < 0)
        return PSV_LOG_DEBUG;
    if (level < 4)
        return PSV_LOG_INFO;
    return level < 8 ? PSV_LOG_WARN : PSV_LOG_ERROR;
}

PHP_FUNCTION(frankenphp_log)
{
    zend_string *message;
    zend_long level = 0;
    HashTable *values = NULL;
    ZEND_PARSE_PARAMETERS_START(1, 3)
    Z_PARAM_STR(message)
    Z_PARAM_OPTIONAL
    Z_PARAM_LONG(level)
    Z_PARAM_ARRAY_HT(values)
    ZEND_PARSE_PARAMETERS_END();
    (void)return_value;
    psv_php_functions_log(level_of(level), message, values);
}

PHP_FUNCTION(mercure_publish)
{
    zval *topics;
    zend_string *text = NULL;
    bool is_private = false;
    zend_long retry = 0;
    bool has_no_retry = true;
    ZEND_PARSE_PARAMETERS_START(1, 6)
    Z_PARAM_ZVAL(topics)
    Z_PARAM_OPTIONAL
    Z_PARAM_STR(text)
    Z_PARAM_BOOL(is_private)
    Z_PARAM_STR_OR_NULL(text)
    Z_PARAM_STR_OR_NULL(text)
    Z_PARAM_LONG_OR_NULL(retry, has_no_retry)
    ZEND_PARSE_PARAMETERS_END();
    if (Z_TYPE_P(topics) != IS_ARRAY && Z_TYPE_P(topics) != IS_STRING) {
        zend_argument_type_error(1, "must be of type array|string, %s given", zend_zval_value_name(topics));
        RETURN_THROWS();
    }
    zend_throw_exception(spl_ce_RuntimeException, "FrankenPHP not built with Mercure support", 0);
    RETURN_THROWS();
}

static PHP_MINIT_FUNCTION(frankenphp)
{
    (void)type;
    register_frankenphp_symbols(module_number);
    return SUCCESS;
}

static PHP_MINFO_FUNCTION(frankenphp)
{
    (void)zend_module;
    php_info_print_table_start();
    php_info_print_table_row(2, "frankenphp", "functions of " CONTRACT_VERSION ", provided by phpsrv");
    php_info_print_table_end();
}

static zend_module_entry module_entry = {
    STANDARD_MODULE_HEADER,
    "frankenphp",
    ext_functions,
    PHP_MINIT(frankenphp),
    NULL,
    NULL,
    NULL,
    PHP_MINFO(frankenphp),
    CONTRACT_VERSION,
    STANDARD_MODULE_PROPERTIES,
};

static int register_extensions(void)
{
    int rc = next_register();
    if (rc == SUCCESS && zend_register_internal_module(&module_entry) == NULL)
        rc = FAILURE;
    return rc;
}

void psv_php_frankenphp_prepare(void)
{
    if (php_register_internal_extensions_func == register_extensions)
        return;
    next_register = php_register_internal_extensions_func;
    php_register_internal_extensions_func = register_extensions;
}
