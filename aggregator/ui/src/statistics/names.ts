// The server's names and the components': snake case there, camel case here.

/** A name of the server's as the components have it. */
type Camel<Name> = Name extends `${infer First}_${infer Rest}` ? `${First}${Camel<Capitalize<Rest>>}` : Name;

/** An answer of the server's as the components have it. */
export type CamelCased<T> = T extends unknown[]
  ? { [Place in keyof T]: CamelCased<T[Place]> }
  : T extends object
    ? { [Name in keyof T as Camel<Name>]: CamelCased<T[Name]> }
    : T;

/** `response_time_percentile_0.95` is `responseTimePercentile0.95`, as in Locust's components. */
export const camel = (name: string) => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** The same with all names changed, of objects in objects and lists too. */
export function camelCased<T>(value: T): CamelCased<T> {
  if (Array.isArray(value)) return value.map((item) => camelCased(item)) as CamelCased<T>;
  if (value === null || typeof value !== "object") return value as CamelCased<T>;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [camel(name), camelCased(inner)])) as CamelCased<T>;
}
