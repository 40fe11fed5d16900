/* PHP's headers without the warnings that they cause under ours.  Only for engine_limit.c.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#define ZEND_ENABLE_STATIC_TSRMLS_CACHE 1

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wimplicit-fallthrough"
#include <php.h>
#include <SAPI.h>
#include <php_main.h>
#include <php_variables.h>
#pragma GCC diagnostic pop
#ifdef __clang__
#pragma clang diagnostic ignored "-Wassume" /* ZEND_ASSERT in the macros that parse parameters */
#endif
