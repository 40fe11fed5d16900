/* Names of the protocol versions.  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#include "request.h"

#include "base/assert.h"

const char *psv_http_version_text(enum psv_http_version version)
{
    switch (version) {
    case PSV_HTTP_1_0:
        return "HTTP/1.0";
    case PSV_HTTP_1_1:
        return "HTTP/1.1";
    case PSV_HTTP_2:
        return "HTTP/2.0";
    case PSV_HTTP_VERSION_COUNT:
        break;
    }
    UNREACHABLE("a version outside its enum");
}
