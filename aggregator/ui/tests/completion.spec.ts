// What the workload's editor knows of a place in the text; no page is needed.
import { expect, test } from "@playwright/test";

import { keysAt, valuesAt, type Schema } from "../src/parts/json-schema";
import { placeAt } from "../src/parts/toml-place";

/** The place of the bar in a text, as `kind path from-here`. */
function at(marked: string): string | null {
  const offset = marked.indexOf("|");
  const text = marked.replace("|", "");
  const place = placeAt(text, offset);
  return place && `${place.kind} ${place.path.join(".")}: ${place.isQuoted ? '"' : ""}${text.slice(place.from, offset)}`;
}

test("a place is a key, a value or a heading of a table", () => {
  for (const [marked, expected] of [
    ["|", "key : "],
    ["na|", "key : na"],
    ["[hosts.shop]\nur|", "key hosts.shop: ur"],
    ["[hosts.shop]\n# a [comment]\nurl = \"x\" # more\ninsecure = tr|", "value hosts.shop.insecure: tr"],
    ["[|", "heading : "],
    ["[class.Us|", "heading class: Us"],
    ["[[class.User.task.t.req|]]", "heading class.User.task.t: req"],
    ["[[class.User.task.t.request]]\nmeth|", "key class.User.task.t.request: meth"],
    ["[[a.b]]\nmethod = \"P|\"", 'value a.b.method: "P'],
    ["[class.\"my.user\"]\nwai|", "key class.my.user: wai"],
    ["[class.U]\ntask.browse.wei|ght = 3", "key class.U.task.browse: wei"],
    ["[class.U]\ntask.browse.request = { meth|", "key class.U.task.browse.request: meth"],
    ["x = { a = 1, b = { c| } }", "key x.b: c"],
    ["x = [{ a = 1 }, { b| }]", "key x: b"],
    ["x = [\n  { a = [1, 2] },\n  { b = \"v|\" },\n]", 'value x.b: "v'],
    ["x = [\"o|", 'value x: "o'],
    ["x = |", "value x: "],
    ["x =|", "value x: "],
    ["x = 'a'\ny|", "key : y"],
    ["text = \"\"\"\n[not.a.heading]\n\"\"\"\nke|", "key : ke"],
    ["text = '''\nkey| = '''", null],
    ["a = 1 # com|", null],
    ["a = \"done\" |", null],
    ["a b|", null],
    ["[done] |", null],
    ["a = \"un\\\"quoted|\"", 'value a: "un\\"quoted'],
    ["a = 1\r\nb|", "key : b"],
  ] as const) {
    expect(at(marked), marked).toBe(expected);
  }
});

test("every offset of any text has a place or none, and none takes forever", () => {
  for (const text of ["[[a.b]]\nx = { y = [1, \"2\", '''3'''], z = 4 } # end\n[c\n= ] } , .\n\"k\".x = \"\"\"", "]]]}}},,,===", "a.b.c", "x = [[[[{", "'"]) {
    for (let offset = 0; offset <= text.length; offset += 1) {
      const place = placeAt(text, offset);
      if (place) expect(place.from).toBeLessThanOrEqual(offset);
    }
  }
});

const SCHEMA: Schema = {
  type: "object",
  properties: {
    hosts: { type: "object", additionalProperties: { $ref: "#/$defs/host" } },
    class: { type: "object", patternProperties: { "^[A-Z]": { $ref: "#/$defs/class" } } },
    seed: { type: ["integer", "null"], description: "the seed" },
  },
  $defs: {
    host: { type: "object", properties: { url: { type: "string" }, insecure: { type: "boolean" }, anything: true } },
    class: {
      type: "object",
      properties: {
        request: { anyOf: [{ $ref: "#/$defs/request" }, { type: "array", items: { $ref: "#/$defs/request" } }] },
        again: { $ref: "#/$defs/class" },
      },
    },
    request: { type: "object", properties: { method: { type: "string", enum: ["GET", "POST"], description: "the method" } } },
  },
} as Schema;

test("a schema says which keys and values a place may have", () => {
  const keys = (...path: string[]) => keysAt(SCHEMA, path).map(({ text }) => text);
  expect(keys()).toEqual(["hosts", "class", "seed"]);
  expect(keys("hosts", "any")).toEqual(["url", "insecure", "anything"]);
  expect(keys("class", "User", "again", "again", "request")).toEqual(["method"]);
  expect(keys("class", "lower")).toEqual([]);
  expect(keys("nowhere", "at", "all")).toEqual([]);
  expect(keysAt(SCHEMA, [])[2]).toEqual({ text: "seed", description: "the seed", type: "integer", isTable: false });
  expect(keysAt(SCHEMA, ["class", "User"])[0]?.isTable).toBe(true);
  const values = (...path: string[]) => valuesAt(SCHEMA, path).map(({ text }) => text);
  expect(values("class", "User", "request", "method")).toEqual(['"GET"', '"POST"']);
  expect(values("hosts", "any", "insecure")).toEqual(["true", "false"]);
});
