/* Answers from a file of the cache: GET and HEAD, preconditions, ranges.  [loop]  Must not know where
 * the file came from nor which protocol carries the answer.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "config/config.h"

struct psv_cached_file;
struct psv_exchange;

struct psv_static_file {
    unsigned ranges_max;              /* a request that names more ranges gets the whole file */
    struct psv_bytes cache_control;   /* "" = none */
    struct psv_config_list immutable; /* patterns (fnmatch(3)) of paths whose files never change */
};

/** What of a file is sent. */
struct psv_static_choice {
    const struct psv_cached_file *file; /* a FILE: type, date, and the bytes unless encoded */
    const struct psv_cached_file
        *encoded;            /* the same content in another form, with a tag of its own; or NULL */
    struct psv_bytes coding; /* of encoded */
    bool varies;             /* another request could get the other form */
};

/** Answers in any case (405, 412, 416, 503 included).  The files live as long as the exchange's arena: their
 * bytes and fields are not copied.  Any request body is of no interest. */
void psv_static_file_answer(const struct psv_static_file *options, struct psv_exchange *exchange,
                            const struct psv_static_choice *choice);
