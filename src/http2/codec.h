/* The HTTP/2 codec (RFC 9113 on nghttp2): bytes of a connection <-> exchanges, one per stream.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include "net/connection.h"

/** service->preface_codec_config is a struct psv_h2_config. */
extern const struct psv_codec psv_h2_codec;

/** Version of the HTTP/2 library, for --version.  Static. */
const char *psv_h2_library_version(void);
