/* A text that the server makes itself when it is asked, and that nobody keeps: pages and calls of the
 * internal listener.  [loop]  Knows nothing of what the text says.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/macros.h"
#include "exec/body_piece.h"

struct psv_exchange;

/** On the exchange's arena. */
struct psv_text_answer {
    struct psv_buffer text; /* the caller's to fill */
    struct psv_body_piece piece;
};

/** An empty text of at most bytes_max bytes, freed with the exchange.  PSV_ENOMEM. */
MUST_CHECK int psv_text_answer_init(struct psv_text_answer *answer, struct psv_exchange *exchange,
                                    size_t bytes_max);
/** The fields that all have: Content-Type, and Cache-Control: no-store; the caller may add others to the
 * exchange's response.  PSV_ENOMEM. */
MUST_CHECK int psv_text_answer_add_fields(struct psv_exchange *exchange, struct psv_bytes content_type);
/** Answers with the text; the fields are there.  The exchange may be gone afterwards. */
void psv_text_answer_send(struct psv_text_answer *answer, struct psv_exchange *exchange, unsigned status);
/** Answers with psv_exchange_refuse and Cache-Control: no-store; allowed: methods for Allow, or empty. */
void psv_text_answer_refuse(struct psv_exchange *exchange, unsigned status, const char *reason,
                            struct psv_bytes allowed);
