/* Media types by file name extension.  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "base/bytes.h"

/** Value for Content-Type by the extension of the path's last segment, ASCII case-insensitive;
 *  "application/octet-stream" when it has none or an unknown one.  Static. */
struct psv_bytes psv_mime_find(struct psv_bytes path);
