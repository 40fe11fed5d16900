/* What the TLS library says: its errors and its version.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

/** The library's oldest pending error as text, or otherwise; clears them all.  [any] */
const char *psv_tls_take_error(char out[static 256], const char *otherwise);

/** Version of the library, for --version.  Static. */
const char *psv_tls_library_version(void);
