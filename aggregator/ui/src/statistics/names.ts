// The server's names and the components': snake case there, camel case here.

/** `response_time_percentile_0.95` is `responseTimePercentile0.95`, as in Locust's components. */
export const camel = (name: string) => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** The same with all names changed, of objects in objects and lists too. */
export function camelCased<T = unknown>(value: unknown): T {
  if (Array.isArray(value)) return value.map((item) => camelCased(item)) as T;
  if (value === null || typeof value !== "object") return value as T;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [camel(name), camelCased(inner)])) as T;
}
