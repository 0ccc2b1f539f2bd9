#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception
"""No source files call each other in a circle: by the object files of the build, which say who defines a name and who asks for it."""
import subprocess

import tree


def symbols(objects_):
    """{source: (names that it defines, names that it needs)}."""
    out = subprocess.run(["nm", "-A", "-g", *(p for _, p in objects_)], stdout=subprocess.PIPE, check=True).stdout.decode()
    by_path = {p: (s, set(), set()) for s, p in objects_}
    for line in out.splitlines():
        path, rest = line.split(":", 1)
        words = rest.split()
        if words[-1].startswith("lk_"):
            by_path[path][2 if words[-2] == "U" else 1].add(words[-1])
    return {s: (defines, needs) for s, defines, needs in by_path.values()}


def edges(known):
    """{source: {other source: names that it takes from there}}."""
    owner = {name: source for source, (defines, _) in known.items() for name in defines}
    graph = {}
    for source, (_, needs) in known.items():
        graph[source] = {}
        for name in sorted(needs):
            if name in owner and owner[name] != source:
                graph[source].setdefault(owner[name], []).append(name)
    return graph


def circles(graph):
    """Groups of files that reach each other (Tarjan's strongly connected components)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def told(graph, group):
    """One line for each call that is part of the circle."""
    return "\n    ".join(f"{a} needs {', '.join(names)} of {b}" for a in group for b, names in sorted(graph[a].items()) if b in group)


class Circles(tree.TestCase):
    def test_the_search_finds_a_circle(self):
        graph = {"a.c": {"b.c": ["lk_b"]}, "b.c": {"c.c": ["lk_c"]}, "c.c": {"a.c": ["lk_a"]}, "d.c": {"a.c": ["lk_a"]}}
        self.assertEqual(circles(graph), [["a.c", "b.c", "c.c"]])
        self.assertIn("c.c needs lk_a of a.c", told(graph, ["a.c", "b.c", "c.c"]))

    def test_no_files_call_each_other_in_a_circle(self):
        known = symbols(tree.objects())
        graph = edges(known)
        self.assertGreater(sum(map(len, graph.values())), 500, f"few calls are seen in {tree.BUILD}: is it built?")
        self.assertNone([told(graph, group) for group in circles(graph)],
                        "files that call each other: move what both need to a third file, or hand it in")


if __name__ == "__main__":
    tree.main()
