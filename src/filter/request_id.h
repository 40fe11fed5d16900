/* The id of one request: made here, logged, sent to the application and, if it wants, to the client.
 * [loop] Knows nothing of traces.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

struct psv_exchange;

/** Fills exchange->request_id with 32 hex digits (128 unpredictable bits) and a NUL. */
void psv_request_id_assign(struct psv_exchange *exchange);
/** Takes the client's X-Request-Id in its place, if there is one of 8 to 64 letters, digits, ".", "_" and
 * "-": for clients that are trusted. */
void psv_request_id_adopt(struct psv_exchange *exchange);
