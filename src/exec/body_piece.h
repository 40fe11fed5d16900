/* A stretch of response body on its way out: memory or a part of a file.  The unit in which handlers, the
 * sink and the codecs hand bodies on; whoever makes a piece decides where the struct lives, release() ends
 * its life.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

#include "base/list.h"

struct psv_body_piece;
/** Called once, on the loop, when the piece was sent or thrown away.  May free the struct itself.  [loop] */
typedef void psv_body_piece_release_fn(struct psv_body_piece *piece);

struct psv_body_piece {
    struct psv_list link; /* in a struct psv_list of pieces, in sending order */
    const char *data;     /* memory, or NULL: then the bytes come from fd */
    int fd;               /* used when data is NULL: regular file or memfd, sent with sendfile */
    uint64_t offset;      /* of the first unsent byte within data or the file */
    uint64_t len;         /* unsent bytes from offset on */
    psv_body_piece_release_fn *release; /* may be NULL */
};

/** Releases all pieces of the list and leaves it empty.  [loop] */
void psv_body_pieces_release(struct psv_list *pieces);
/** Sum of the unsent lengths. */
uint64_t psv_body_pieces_len(const struct psv_list *pieces);
