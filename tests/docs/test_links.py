"""Every relative link in a document leads to a file that is there, and to a heading of it; so do the paths that developers are
sent to. The two long documents stay short."""

import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\[(?:[^]\[]|\[[^]]*\])*\]\(([^)\s]+)\)")
LONGEST = {"README.md": 200, "ARCHITECTURE.md": 130}


def documents():
    """All documents that are or will be in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


def prose(path):
    """The text without blocks and spans of code, in which brackets are no links."""
    text = re.sub(r"^(```+).*?^\1", "", path.read_text(), flags=re.M | re.S)
    return re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", text)


def anchors(path):
    """The anchors that GitHub makes of a document's headings."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)
    found = set()
    for heading in re.findall(r"^#+ +(.*?)\s*$", text, re.M):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number, name = 0, anchor
        while name in found:
            number += 1
            name = f"{anchor}-{number}"
        found.add(name)
    return found


class Documents(unittest.TestCase):
    def test_every_link_leads_somewhere(self):
        dead, followed = [], 0
        for page in documents():
            for link in LINK.findall(prose(page)):
                if re.match(r"[a-z]+:", link):
                    continue
                followed += 1
                name, _, anchor = link.partition("#")
                target = (page.parent / name).resolve() if name else page
                here = page.relative_to(ROOT)
                if not target.exists() or not target.is_relative_to(ROOT):
                    dead.append(f"{here}: {link}: there is no such file")
                elif anchor and anchor not in anchors(target):
                    dead.append(f"{here}: {link}: there is no such heading")
        self.assertEqual(dead, [])
        self.assertGreater(followed, 50)

    def test_every_path_in_the_documents_for_developers_is_there(self):
        folders = r"(?:aggregator|bench|docs|functions|infra|local|scripts|tests)"
        for name in ("ARCHITECTURE.md", "CONTRIBUTING.md"):
            paths = re.findall(rf"`({folders}(?:/[\w.*-]+)+)`", (ROOT / name).read_text())
            with self.subTest(name):
                self.assertGreater(len(paths), 10)
                self.assertEqual([path for path in paths if not any(ROOT.glob(path))], [])

    def test_every_page_is_linked(self):
        linked = {
            (page.parent / link.partition("#")[0]).resolve()
            for page in documents()
            for link in LINK.findall(prose(page))
            if not re.match(r"[a-z]+:|#", link)
        }
        pages = {page for page in documents() if page.is_relative_to(ROOT / "docs")}
        self.assertEqual(sorted(str(page) for page in pages - linked), [])

    def test_long_documents_stay_short(self):
        for name, longest in LONGEST.items():
            with self.subTest(name):
                self.assertLessEqual(len((ROOT / name).read_text().splitlines()), longest)


if __name__ == "__main__":
    unittest.main()
