/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns a set of paths as a file system would have them. */
#include "core/base/path_tree.h"

#include <stdlib.h>
#include <string.h>

/* A component that is looked for below @parent. */
struct step {
	uint32_t parent;
	uint32_t len;
	const char *name;
};

void lk_path_tree_done(struct lk_path_tree *tree)
{
	free(tree->nodes);
	free(tree->names);
	free(tree->slots);
	*tree = LK_PATH_TREE_NONE;
}

/* FNV-1a; its high bits are folded in, since the low ones choose the slot. */
static size_t hash(const struct step *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (unsigned int i = 0; i < 32; i += 8)
		h = (h ^ (s->parent >> i & 0xff)) * UINT64_C(0x100000001b3);
	for (uint32_t i = 0; i < s->len; i++)
		h = (h ^ (uint8_t)s->name[i]) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ h >> 32);
}

static size_t slot_of(const struct lk_path_tree *t, const struct step *s)
{
	size_t i = hash(s) & (t->n_slots - 1);

	for (; t->slots[i]; i = (i + 1) & (t->n_slots - 1)) {
		const struct lk_path_node *n = &t->nodes[t->slots[i]];

		if (n->parent == s->parent && n->len == s->len &&
		    memcmp(t->names + n->name, s->name, s->len) == 0)
			break;
	}
	return i;
}

/* Room for one more of @size bytes each after @n; @p stays where it fails. */
static bool reserve(void **p, size_t *cap, size_t need, size_t size)
{
	size_t more = *cap ? *cap : 64;
	void *new;

	while (more < need)
		more *= 2;
	if (more == *cap)
		return true;
	new = reallocarray(*p, more, size);
	if (!new)
		return false;
	*p = new;
	*cap = more;
	return true;
}

/* At least half of the slots stay free. */
static bool reserve_slot(struct lk_path_tree *t)
{
	struct lk_path_tree wider = *t;

	if (2 * (t->n_nodes + 1) <= t->n_slots)
		return true;
	wider.n_slots = t->n_slots ? 2 * t->n_slots : 128;
	wider.slots = calloc(wider.n_slots, sizeof(*wider.slots));
	if (!wider.slots)
		return false;
	for (size_t i = 1; i < t->n_nodes; i++) {
		const struct lk_path_node *n = &t->nodes[i];
		const struct step s = { n->parent, n->len, t->names + n->name };

		wider.slots[slot_of(&wider, &s)] = (uint32_t)i;
	}
	free(t->slots);
	*t = wider;
	return true;
}

static bool reserve_all(struct lk_path_tree *t, size_t name_len)
{
	void *nodes = t->nodes;
	void *names = t->names;
	bool ok = reserve(&nodes, &t->cap_nodes, t->n_nodes + 2, sizeof(*t->nodes));

	t->nodes = nodes;
	/* A node's number has 32 bits. */
	if (!ok || t->n_nodes > UINT32_MAX / 2)
		return false;
	ok = reserve(&names, &t->cap_names, t->n_names + name_len, 1);
	t->names = names;
	if (!ok)
		return false;
	if (t->n_nodes == 0)
		t->nodes[t->n_nodes++] = (struct lk_path_node){ 0 };
	return reserve_slot(t);
}

/* The node of a step; a new one is a directory until somebody says otherwise. */
static enum lk_path_verdict enter(struct lk_path_tree *t, const struct step *s, uint32_t *ret,
				  bool *ret_new)
{
	size_t slot;

	if (!reserve_all(t, s->len))
		return LK_PATH_NO_MEMORY;
	slot = slot_of(t, s);
	*ret_new = t->slots[slot] == 0;
	if (*ret_new) {
		memcpy(t->names + t->n_names, s->name, s->len);
		t->nodes[t->n_nodes] = (struct lk_path_node){ .parent = s->parent,
							      .len = s->len,
							      .name = t->n_names };
		t->n_names += s->len;
		t->slots[slot] = (uint32_t)t->n_nodes++;
	}
	*ret = t->slots[slot];
	return LK_PATH_ADDED;
}

enum lk_path_verdict lk_path_tree_add(struct lk_path_tree *tree, const char *path, bool is_file)
{
	bool is_new = false;
	uint32_t at = 0;

	while (*path) {
		const struct step s = { at, (uint32_t)strcspn(path, "/"), path };
		enum lk_path_verdict v;

		if (at && tree->nodes[at].is_file)
			return LK_PATH_BELOW_FILE;
		v = enter(tree, &s, &at, &is_new);
		if (v != LK_PATH_ADDED)
			return v;
		path += s.len;
		path += *path == '/';
	}
	if (is_new)
		tree->nodes[at].is_file = is_file;
	else if (at && tree->nodes[at].is_file)
		return LK_PATH_TWICE;
	else if (is_file)
		return LK_PATH_IS_DIRECTORY;
	return LK_PATH_ADDED;
}
