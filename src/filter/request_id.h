/* The id of one request: made here, logged, sent to the application and, if it wants, to the client.
 * [loop] Knows nothing of a trace context that the client sent along.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

struct psv_exchange;

/** Fills exchange->request_id with 32 hex digits (128 unpredictable bits) and a NUL. */
void psv_request_id_assign(struct psv_exchange *exchange);
