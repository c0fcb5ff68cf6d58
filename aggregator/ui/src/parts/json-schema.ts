// What a JSON schema knows of a place: which keys there are, and which values.

/** The parts of a schema that are looked at. */
export interface Schema {
  $ref?: string;
  title?: string;
  description?: string;
  type?: string | string[];
  properties?: Record<string, Schema | boolean>;
  patternProperties?: Record<string, Schema | boolean>;
  additionalProperties?: Schema | boolean;
  items?: Schema | boolean;
  anyOf?: (Schema | boolean)[];
  oneOf?: (Schema | boolean)[];
  allOf?: (Schema | boolean)[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
}

export interface Known {
  text: string;
  description?: string | undefined;
  /** Such as `string`, or `string or number`. */
  type: string;
  /** It can be a table, or an array of tables. */
  isTable: boolean;
}

/** Schemas refer to each other, and to themselves. */
const DEEPEST = 12;

/** The keys of the tables at a path. */
export function keysAt(root: Schema, path: string[]): Known[] {
  const found = new Map<string, Known>();
  for (const schema of at(root, path)) {
    for (const [text, property] of Object.entries(schema.properties ?? {})) {
      if (found.has(text) || property === false) continue;
      const meant = alternatives(root, property);
      const types = typesOf(meant);
      const description = descriptionOf(property === true ? [] : [property, ...meant]);
      found.set(text, { text, description, type: types.join(" or "), isTable: typesOf(elements(root, meant)).includes("object") });
    }
  }
  return [...found.values()];
}

/** The values that a place may have, as TOML writes them. */
export function valuesAt(root: Schema, path: string[]): Known[] {
  const found = new Map<string, Known>();
  for (const schema of at(root, path)) {
    const types = typesOf([schema]);
    const values = [...(schema.enum ?? []), ...(schema.const === undefined ? [] : [schema.const]), ...(schema.examples ?? [])];
    if (schema.default !== undefined) values.push(schema.default);
    if (types.includes("boolean")) values.push(true, false);
    for (const value of values) {
      if (value === null || typeof value === "object") continue;
      const text = JSON.stringify(value);
      if (!found.has(text)) found.set(text, { text, description: schema.description, type: types.join(" or "), isTable: false });
    }
  }
  return [...found.values()];
}

/** The schemas at a path; elements of an array have its path. */
function at(root: Schema, path: string[]): Schema[] {
  let schemas = alternatives(root, root);
  for (const key of path) schemas = elements(root, schemas).flatMap((schema) => below(root, schema, key));
  return elements(root, schemas);
}

function below(root: Schema, schema: Schema, key: string): Schema[] {
  const own = schema.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
  if (own !== undefined) return alternatives(root, own);
  const patterns = Object.entries(schema.patternProperties ?? {}).filter(([pattern]) => new RegExp(pattern, "u").test(key));
  const named = patterns.flatMap(([, property]) => alternatives(root, property));
  return named.length > 0 ? named : alternatives(root, schema.additionalProperties ?? false);
}

/** The schemas, and those of the elements of arrays among them. */
function elements(root: Schema, schemas: Schema[], depth = 0): Schema[] {
  return schemas.flatMap((schema) =>
    schema.items === undefined || depth > 3 ? [schema] : [schema, ...elements(root, alternatives(root, schema.items), depth + 1)],
  );
}

/** All that a schema may mean, with what it refers to in its place. */
function alternatives(root: Schema, schema: Schema | boolean, depth = 0): Schema[] {
  if (typeof schema === "boolean" || depth > DEEPEST) return [];
  const { $ref, anyOf = [], oneOf = [], allOf = [] } = schema;
  const parts = [...anyOf, ...oneOf, ...allOf, ...($ref === undefined ? [] : [referred(root, $ref)])];
  return [schema, ...parts.flatMap((part) => alternatives(root, part, depth + 1))];
}

function referred(root: Schema, reference: string): Schema | boolean {
  if (!reference.startsWith("#")) return false;
  let found: unknown = root;
  for (const part of reference.slice(1).split("/").filter(Boolean)) {
    const key = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    found = typeof found === "object" && found !== null ? (found as Record<string, unknown>)[key] : undefined;
  }
  return typeof found === "object" && found !== null ? (found as Schema) : false;
}

const typesOf = (schemas: Schema[]) => [...new Set(schemas.flatMap(({ type }) => type ?? []))].filter((type) => type !== "null");

const descriptionOf = (schemas: Schema[]) => schemas.find(({ description }) => description)?.description;
