"""docs/api.md names every route that `/openapi.json` describes, and no other; and its fields of `/swarm`."""

import json
import re
import unittest
import urllib.request

from test_commands import Page
from test_links import ROOT

PAGE = ROOT / "docs/api.md"


def openapi():
    """The document of a server that is started for it."""
    page = Page(PAGE)
    found = {}

    def ask():
        page.serve("cicada\n", "cicada")
        with urllib.request.urlopen(f"http://127.0.0.1:{page.servers['cicada'].ports['cicada']}/openapi.json") as answer:
            found.update(json.load(answer))

    page.within(ask)
    return found


def fields(document, path):
    """The fields of what is sent to a route, as a form or as JSON."""
    contents = document["paths"][path]["post"]["requestBody"]["content"].values()
    return set().union(*(properties(document, content["schema"]) for content in contents))


def properties(document, schema):
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    parts = (properties(document, part) for part in schema.get("allOf", ()))
    return set(schema.get("properties", ())).union(*parts)


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.document = openapi()

    def test_the_page_has_the_fields_of_a_swarm(self):
        [table] = re.findall(r"^\| field \| meaning \|\n\| --- .*\n((?:\|.*\n)+)", PAGE.read_text(), re.M)
        rows = [row.split(" | ")[0] for row in table.splitlines()]
        names = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
        # old names are taken, and not described to programs
        names -= set(re.findall(r"old name: `(\w+)`", table))
        self.assertEqual(names, fields(self.document, "/swarm"))

    def test_the_page_has_the_routes_as_they_are(self):
        text = PAGE.read_text()
        [table] = re.findall(r"^\| route \| purpose \|\n\| --- .*\n((?:\|.*\n)+)", text, re.M)
        listed = set()
        for row in table.splitlines():
            listed |= {path.split("?")[0] for path in re.findall(r"(?<![\w.])/[\w/.-]*", row.split(" | ")[0])}
        routes = self.document["paths"]
        described = {path for path in routes if not path.startswith("/runs/{")}
        # every page about any run: one row for all of them
        listed -= {path for path in listed if path.startswith("/runs/ID")}
        # what is below a route of the table is told there or in a chapter of its own; files of the page are the page's
        below = tuple(f"{route}/" for route in listed if len(route) > 1)
        self.assertEqual({path for path in described - listed if not path.startswith((*below, "/assets/"))}, set())
        # agents learn of it by their own protocol
        self.assertEqual(listed - described, {"/mcp"})
        methods = {}
        for row in table.splitlines():
            first = row.split(" | ")[0]
            # what can be done to one of a list has a row of its own
            for path in {path.removesuffix("/ID") for path in re.findall(r"(?<![\w.])/[\w/.-]*", first)} & described:
                methods.setdefault(path, set()).update(re.findall(r"\b(GET|POST|PUT|DELETE)\b", first))
        for path in methods:
            with self.subTest(path):
                below = [routes[other] for other in routes if other == path or other.startswith(f"{path}/{{")]
                offered = {method.upper() for route in below for method in route} & {"GET", "POST", "PUT", "DELETE"}
                self.assertEqual(offered, methods[path])


if __name__ == "__main__":
    unittest.main()
