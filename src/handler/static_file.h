/* Answers from a file of the cache: GET and HEAD, preconditions, ranges.  [loop]  Must not know where
 * the file came from nor which protocol carries the answer.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

struct psv_cached_file;
struct psv_exchange;

struct psv_static_file {
    unsigned ranges_max; /* a request that names more ranges gets the whole file */
};

/** Answers in any case (405, 412, 416, 503 included).  file is a FILE and lives as long as the exchange's
 * arena: its bytes and fields are not copied.  Any request body is of no interest. */
void psv_static_file_answer(const struct psv_static_file *options, struct psv_exchange *exchange,
                            const struct psv_cached_file *file);
