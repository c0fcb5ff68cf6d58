// Asking the server. Paths are relative, so that the page works under any base path.
import type { components } from "./openapi";

/** What the server answers with, by the names in `openapi.json`. */
export type Answers = components["schemas"];

type Mistake = Answers["WorkloadMistake"];

/** What the server said when it did not do what it was asked; `status` is 0 when it said nothing. */
export class Problem extends Error {
  constructor(
    message: string,
    readonly status: number,
    /** The mistakes in a workload, if that is what it is about. */
    readonly errors: Mistake[] = [],
  ) {
    super(message);
  }
}

/** What a request was answered with. */
export interface Answer {
  body: unknown;
  etag: string | null;
}

/** A `GET`'s JSON. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const { body } = await ask(path, signal ? { signal } : {});
  return body as T;
}

/**
 * Sends a request, and reads the answer as JSON where it is that, else as text.
 *
 * @throws {Problem} when the server cannot be reached, or says no: with an error's status, or, as in Locust,
 * with `success: false`.
 */
export async function ask(path: string, request: RequestInit = {}): Promise<Answer> {
  let response: Response;
  let text: string;
  try {
    const headers = new Headers(request.headers);
    // whoever does not say so is taken for Locust's own page, which knows fewer states
    headers.set("x-requested-with", "Cicada");
    response = await fetch(path, { ...request, headers });
    text = await response.text();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem("Cicada does not answer.", 0);
  }
  const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  const body: unknown = isJson ? JSON.parse(text) : text;
  const said = isJson && typeof body === "object" ? (body as Partial<Answers["WorkloadRefused"]> | null) : null;
  if (!response.ok || said?.success === false) {
    throw new Problem(said?.message || text.trim() || response.statusText, response.status, said?.errors);
  }
  return { body, etag: response.headers.get("etag") };
}
