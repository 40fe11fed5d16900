/* Intrusive doubly linked list with a head node.  A removed node is self-linked, so removing twice is
 * harmless.
 *
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

#include "base/macros.h"

struct psv_list {
    struct psv_list *next;
    struct psv_list *prev;
};

static inline void psv_list_init(struct psv_list *list)
{
    list->next = list;
    list->prev = list;
}
static inline bool psv_list_is_empty(const struct psv_list *list)
{
    return list->next == list;
}
static inline void psv_list_append(struct psv_list *list, struct psv_list *node)
{
    node->prev = list->prev;
    node->next = list;
    list->prev->next = node;
    list->prev = node;
}
static inline void psv_list_prepend(struct psv_list *list, struct psv_list *node)
{
    psv_list_append(list->next, node);
}
static inline void psv_list_remove(struct psv_list *node)
{
    node->next->prev = node->prev;
    node->prev->next = node->next;
    psv_list_init(node);
}
/** First node or NULL. */
static inline struct psv_list *psv_list_first(const struct psv_list *list)
{
    return psv_list_is_empty(list) ? NULL : list->next;
}

#define PSV_LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)

/** Walks the list; the current node may be removed in the body. */
#define PSV_LIST_FOR_EACH(node, list)                                                                        \
    for (struct psv_list *node = (list)->next, *node##_next = node->next; node != (list);                    \
         node = node##_next, node##_next = node->next)
