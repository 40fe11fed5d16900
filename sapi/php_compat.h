/* PHP's headers for the files of this folder, and every test of PHP's version or build flags in the tree:
 * other files ask for PSV_PHP_HAS_... and never for PHP_VERSION_ID.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

/* One pointer per thread instead of a look-up for every SG(), EG() and PG(); the pointer is in php_engine.c.
 */
#define ZEND_ENABLE_STATIC_TSRMLS_CACHE 1

/* PHP's headers do not keep our warnings. */
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
#include <php_globals.h>
#include <php_ini.h>
#include <php_ini_builder.h>
#include <php_main.h>
#include <php_output.h>
#include <php_variables.h>
#include <zend_builtin_functions.h>
#include <zend_exceptions.h>
#include <zend_extensions.h>
#include <zend_modules.h>
#include <zend_smart_str.h>
#include <zend_strtod.h>
#include <ext/json/php_json.h>
#include <ext/standard/info.h>
#if defined(HAVE_PHP_SESSION) && !defined(COMPILE_DL_SESSION)
#include <ext/session/php_session.h>
#endif
#pragma GCC diagnostic pop
#ifdef __clang__
#pragma clang diagnostic ignored "-Wassume" /* ZEND_ASSERT in the macros that parse parameters */
#endif

/* <sys/param.h>, which PHP includes, has its own. */
#undef MIN
#undef MAX
#include "base/macros.h"

#if PHP_VERSION_ID < 80300
#error "phpsrv needs PHP 8.3 or newer"
#endif
#ifndef ZTS
#error "phpsrv needs a thread-safe PHP: configure it with --enable-zts"
#endif

ZEND_TSRMLS_CACHE_EXTERN()

/* Zend signals take SIGTERM, SIGINT and others away from the program at every request's end. */
#ifdef ZEND_SIGNALS
#define PSV_PHP_HAS_ZEND_SIGNALS 1
#else
#define PSV_PHP_HAS_ZEND_SIGNALS 0
#endif

/* Without per-thread timers max_execution_time is one timer of the whole process. */
#ifdef ZEND_MAX_EXECUTION_TIMERS
#define PSV_PHP_HAS_THREAD_TIMERS 1
#else
#define PSV_PHP_HAS_THREAD_TIMERS 0
#endif

/* The session module's state can be linked against. */
#if defined(HAVE_PHP_SESSION) && !defined(COMPILE_DL_SESSION)
#define PSV_PHP_HAS_SESSION 1
#else
#define PSV_PHP_HAS_SESSION 0
#endif

/* opcache announces its restarts by a public pointer. */
#if PHP_VERSION_ID >= 80400
#define PSV_PHP_HAS_RESTART_HOOK 1
#else
#define PSV_PHP_HAS_RESTART_HOOK 0
#endif

/* request_parse_body() can be called with limits of its own. */
#if PHP_VERSION_ID >= 80400
#define PSV_PHP_POST_MAX_SIZE REQUEST_PARSE_BODY_OPTION_GET(post_max_size, SG(post_max_size))
#else
#define PSV_PHP_POST_MAX_SIZE SG(post_max_size)
#endif

/* opcache is part of PHP and not an extension file any more. */
#if PHP_VERSION_ID >= 80500
#define PSV_PHP_HAS_STATIC_OPCACHE 1
#else
#define PSV_PHP_HAS_STATIC_OPCACHE 0
#endif
