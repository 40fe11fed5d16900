/* The module "frankenphp": the names that applications written for FrankenPHP look for.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

/** Arranges that the module is registered with PHP's own; before php_module_startup.  [boot] */
void psv_php_frankenphp_prepare(void);
