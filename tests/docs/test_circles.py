"""No two files of a crate import each other."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# `use a::{b::c, d};`, and paths in the middle of code
USE = re.compile(r"^\s*(?:pub(?:\([^)]*\))? )?use ([^;]+);", re.M)
PATH = re.compile(r"\b(\w+(?:::\w+)+)")


def imported(tree):
    """The paths of a use: `a::{b, c::d}` is `a::b` and `a::c::d`."""
    tree = re.sub(r"\s+", "", tree)
    head, brace, rest = tree.partition("{")
    if not brace:
        return [tree]
    parts, depth, start = [], 0, 0
    for at, char in enumerate(rest):
        depth += (char == "{") - (char == "}")
        if (char == "," and depth == 0) or depth < 0:
            parts.append(rest[start:at])
            start = at + 1
    return [path for part in parts if part for path in imported(head + part)]


def modules(source):
    """Each module of a crate that is a file of its own, and the modules that it names."""
    files = {}
    for file in source.rglob("*.rs"):
        name = file.relative_to(source).with_suffix("").parts
        if file.name not in ("lib.rs", "main.rs", "tests.rs") and "tests" not in name:
            files[name] = file
    files[()] = next(path for path in (source / "lib.rs", source / "main.rs") if path.exists())
    arrows = {}
    for name, file in files.items():
        text = re.sub(r"//.*", "", re.split(r"#\[cfg\(test\)\]\nmod \w+ \{", file.read_text())[0])
        paths = [path for tree in USE.findall(text) for path in imported(tree)] + PATH.findall(text)
        arrows[name] = {target for path in paths if (target := resolved(name, path.split("::"), files)) != name}
    return arrows


def resolved(name, path, files):
    """The file that has what a path names; for another crate's, the one that names it."""
    if path[0] not in ("crate", "super", "self") and (*name, path[0]) not in files:
        return name
    place = () if path[0] == "crate" else name
    for step in path:
        place = place[:-1] if step == "super" else place if step in ("crate", "self") else (*place, step)
    while place not in files:
        place = place[:-1]
    return place


class Circles(unittest.TestCase):
    def test_no_two_files_import_each_other(self):
        found = set()
        for source in sorted(ROOT.glob("**/src")):
            if {"target", "node_modules"} & set(source.parts) or not any((source / top).exists() for top in ("lib.rs", "main.rs")):
                continue
            arrows = modules(source)
            crate = source.parent.relative_to(ROOT)
            pairs = {(a, b) for a in arrows for b in arrows[a] if a < b and a in arrows[b]}
            found |= {f"{crate}: {'::'.join(a) or 'lib'} and {'::'.join(b)}" for a, b in pairs}
        self.assertEqual(sorted(found), [])


if __name__ == "__main__":
    unittest.main()
