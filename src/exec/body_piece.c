/* Lists of body pieces; see body_piece.h.
 *
 * SPDX-License-Identifier: MIT */
#include "body_piece.h"

void psv_body_pieces_release(struct psv_list *pieces)
{
    struct psv_list *node;

    while ((node = psv_list_first(pieces)) != NULL) {
        struct psv_body_piece *piece = PSV_LIST_ENTRY(node, struct psv_body_piece, link);
        psv_list_remove(node);
        if (piece->release != NULL) {
            piece->release(piece);
        }
    }
}

uint64_t psv_body_pieces_len(const struct psv_list *pieces)
{
    uint64_t len = 0;

    PSV_LIST_FOR_EACH(node, pieces)
    {
        len += PSV_LIST_ENTRY(node, struct psv_body_piece, link)->len;
    }
    return len;
}
