/* The HTTP/1 codec: bytes of a connection <-> exchanges, one at a time and in order.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "net/connection.h"

/** service->codec_config is a struct psv_h1_config. */
extern const struct psv_codec psv_h1_codec;

/** Version of the parser library, for --version.  Static. */
const char *psv_h1_parser_library_version(void);
