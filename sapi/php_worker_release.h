/* What PHP keeps of a request's input until its script ends: in worker mode that would be once for each
 * request.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

/** Frees the body of the request that is over, and what ext/standard has kept of it; before
 * sapi_deactivate(), which forgets the body. [worker] */
void psv_php_worker_release_input(void);
