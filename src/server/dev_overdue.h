/* Development mode's answer to a request whose deadline has passed: what its script was doing.  [loop]
 *
 * SPDX-License-Identifier: MIT */
#pragma once

struct psv_exchange;
struct psv_worker_pool;

/** Answers 504 as HTML, JSON or text by Accept.  The job is still held, and was not interrupted yet.  Leaves
 * the exchange as it is when there is no memory. */
void psv_dev_answer_overdue(struct psv_exchange *exchange);
