/* Comma-separated field values (RFC 9110 5.6.1) and the parameters of their members.  Pure; any thread.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"

/** The next member, trimmed; empty members are skipped; commas inside quoted strings do not separate.
 *  *rest advances. */
bool psv_field_list_next(struct psv_bytes *rest, struct psv_bytes *ret_member);

/** The next part of one member, cut at ';' outside quoted strings, trimmed: the value first, then its
 *  parameters.  May be empty. */
bool psv_field_parameter_next(struct psv_bytes *rest, struct psv_bytes *ret_part);

/** Weight of a member's parameters (RFC 9110 12.4.2) in thousandths: 1000 without "q", 0 for a malformed
 *  one.
 *
 * */
unsigned psv_field_weight(struct psv_bytes parameters);
