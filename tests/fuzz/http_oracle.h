/* What the fuzz targets of src/http/ share: the check that ends a run, and cutting input into pieces.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "http/headers.h"
#include "http/request.h"

#define ORACLE(condition)                                                                                    \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                  \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/** Takes one byte off the input, 0 when there is none. */
static inline uint8_t take_byte(struct psv_bytes *input)
{
    uint8_t byte = input->len > 0 ? (uint8_t)input->data[0] : 0;
    *input = psv_bytes_from(*input, 1);
    return byte;
}

/** Whether inner lies within outer's memory. */
static inline bool is_inside(struct psv_bytes inner, struct psv_bytes outer)
{
    return inner.data >= outer.data && inner.data + inner.len <= outer.data + outer.len;
}
