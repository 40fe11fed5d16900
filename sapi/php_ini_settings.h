/* php.ini from three sides: our defaults below it, the file, and the command line's -d above it.
 * Include php_compat.h first.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

/** Puts our defaults where any php.ini can override them.  [boot] */
void psv_php_ini_set_defaults(HashTable *configuration);

/** Joins definitions "name=value" or "name" (= 1) to what PHP reads after all its files.  *ret_entries is
 * freed with psv_php_ini_free_entries.  0, PSV_EINVAL with a sentence.  [boot] */
MUST_CHECK int psv_php_ini_join_entries(const char *const *definitions, size_t definitions_len,
                                        char **ret_entries, struct psv_error *reterr);
void psv_php_ini_free_entries(char *entries);
