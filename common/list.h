/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A circular doubly linked list with its links inside the objects.  The caller
 * does the locking; walking from several threads needs the lock too.
 */
#ifndef NM_LIST_H
#define NM_LIST_H

struct nm_list {
	struct nm_list *next, *prev;
};

static inline void nm_list_init(struct nm_list *l)
{
	l->next = l->prev = l;
}

static inline bool nm_list_empty(const struct nm_list *l)
{
	return l->next == l;
}

static inline void nm_list_append(struct nm_list *head, struct nm_list *e)
{
	e->next = head;
	e->prev = head->prev;
	head->prev->next = e;
	head->prev = e;
}

/* Leaves e empty, so that removing it twice is harmless. */
static inline void nm_list_remove(struct nm_list *e)
{
	e->prev->next = e->next;
	e->next->prev = e->prev;
	nm_list_init(e);
}

#define nm_list_for_each(pos, head)                                            \
	for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)

#endif /* NM_LIST_H */
