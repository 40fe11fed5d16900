/* See php_tables.h.
 *
 * SPDX-License-Identifier: MIT */
#include "php_compat.h"

#include "php_tables.h"

zif_handler psv_php_replace_function(const char *name, zif_handler handler)
{
    zend_function *function = zend_hash_str_find_ptr(CG(function_table), name, strlen(name));
    if (function == NULL || function->type != ZEND_INTERNAL_FUNCTION)
        return NULL;
    zif_handler own = function->internal_function.handler;
    function->internal_function.handler = handler;
    return own;
}

const zend_module_entry *psv_php_find_module(const char *name)
{
    return zend_hash_str_find_ptr(&module_registry, name, strlen(name));
}

void psv_php_start_module(const zend_module_entry *module)
{
    if (module != NULL && module->request_startup_func != NULL)
        (void)module->request_startup_func(module->type, module->module_number);
}

void psv_php_stop_module(const zend_module_entry *module)
{
    if (module != NULL && module->request_shutdown_func != NULL)
        (void)module->request_shutdown_func(module->type, module->module_number);
}
