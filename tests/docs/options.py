#!/usr/bin/env python3
"""The tables of options in docs/command-line.md, from what the programs say with --help.

    tests/docs/options.py --write    puts the options of target/debug/cicada and its like into the page
    tests/docs/options.py --check    says whether the page has them as they are
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/command-line.md"
PROGRAMS = ("cicada", "cicada cost", "cicada health", "stand-in-targets")


def main():
    if sys.argv[1:] not in (["--write"], ["--check"]):
        sys.exit(__doc__)
    before = PAGE.read_text()
    after = page(before)
    if sys.argv[1] == "--write":
        PAGE.write_text(after)
    elif before != after:
        sys.exit(f"{PAGE.relative_to(ROOT)} has other options than --help: tests/docs/options.py --write")


def page(text):
    """The page with each table as it should be."""
    for program in PROGRAMS:
        begin, end = (f"<!-- options of {program}: {edge} -->\n" for edge in ("begin", "end"))
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            sys.exit(f"{PAGE.relative_to(ROOT)} has no place for the options of {program}")
        text = before + begin + tables(said(program)) + end + after
    return text


def said(program):
    """What a program says of its options; without variables that are set here, whose values it would show."""
    name, *command = program.split()
    path = binaries() / name
    return subprocess.run(
        [path, *command, "--help"], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True
    ).stdout


def binaries():
    """The folder of what cargo has built for tests."""
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"


def tables(text):
    """A Markdown table for each heading with options."""
    result = ""
    for heading, rows in sections(text):
        label = "" if heading in ("Arguments", "Options") else f"**{heading}**\n\n"
        result += f"{label}| option | variable | meaning |\n| --- | --- | --- |\n{''.join(rows)}\n"
    return result.removesuffix("\n")


def sections(text):
    """The headings with options, and the table's rows for each; arguments and options are one table."""
    found = {}
    blocks = re.split(r"^(\S[^\n]*):\n", text, flags=re.M)
    for heading, body in zip(blocks[1::2], blocks[2::2]):
        entries = re.split(r"^ {2,6}(?=-|\[)(.*)\n?", body, flags=re.M)
        rows = [row(name, meaning) for name, meaning in zip(entries[1::2], entries[2::2])]
        if rows:
            found.setdefault("Options" if heading == "Arguments" else heading, []).extend(rows)
    return found.items()


def row(name, meaning):
    # a short --help has the meaning in the option's own line
    name, _, beside = name.strip().partition("  ")
    meaning = " ".join(f"{beside} {meaning}".split())
    [variable] = re.findall(r"\[env: (\w+)=\]", meaning) or [""]
    meaning = re.sub(r" ?\[(env: \w+=|possible values: [^]]*)\]", "", meaning)
    meaning = re.sub(r" ?\[default: ([^]]*)\]", r". Default: \1", meaning)
    meaning = re.sub(r" - (\w+): (\w[^-.]*\w)", r" `\1` (\2)", meaning).replace(" Possible values:", ":").replace(" Modes:", ":")
    meaning = re.sub(r"(?<!`)(--[a-z][a-z-]*|\{[urt]\})(?!`)", r"`\1`", meaning)
    name = f"`{name.replace('|', chr(92) + '|')}`"
    return f"| {name} | {f'`{variable}`' if variable else ''} | {meaning} |\n"


if __name__ == "__main__":
    main()
