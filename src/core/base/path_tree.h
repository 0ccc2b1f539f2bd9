/* SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception */
/* Owns a set of paths as a file system would have them: which are files, which directories, and what can't be both. */
#ifndef LK_CORE_BASE_PATH_TREE_H
#define LK_CORE_BASE_PATH_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One component of a path below another; node 0 is the root. */
struct lk_path_node {
	uint32_t parent;
	uint32_t len;
	size_t name; /* where it begins in the names */
	bool is_file;
};

/** Adding and asking take time for the path's own length alone. */
struct lk_path_tree {
	struct lk_path_node *nodes;
	size_t n_nodes;
	size_t cap_nodes;
	char *names;
	size_t n_names;
	size_t cap_names;
	uint32_t *slots; /* hash table of nodes; 0 is free */
	size_t n_slots;	 /* a power of two */
};
#define LK_PATH_TREE_NONE  ((struct lk_path_tree){ .nodes = NULL })
#define LK_OWNED_PATH_TREE __attribute__((cleanup(lk_path_tree_done))) struct lk_path_tree
void lk_path_tree_done(struct lk_path_tree *tree);

enum lk_path_verdict {
	LK_PATH_ADDED,
	LK_PATH_TWICE,	      /* it was there before */
	LK_PATH_IS_DIRECTORY, /* a file, where a directory is */
	LK_PATH_BELOW_FILE,
	LK_PATH_NO_MEMORY,
};

/**
 * lk_path_tree_add - a file or directory, and the directories above it
 * @path: components with one "/" between; "" is the root
 *
 * A directory may be added again. Where it fails, directories above it may
 * have been added.
 */
enum lk_path_verdict lk_path_tree_add(struct lk_path_tree *tree, const char *path, bool is_file);

#endif
