// The run whose figures are shown: the newest, or the one that the address names.
import { createContext, useContext } from "react";

import type { Answers } from "../server";

/** One that the address names; null is the newest. */
export const ShownRun = createContext<Answers["RunRow"] | null>(null);

interface Shown {
  run: Answers["RunRow"] | null;
  /** What stands before the paths of pages about it. */
  path: string;
  /** How often to ask, in milliseconds: a run that is over stays as it is. */
  every: (often: number) => number | undefined;
}

export function useRun(): Shown {
  const run = useContext(ShownRun);
  const path = run ? `runs/${encodeURIComponent(run.id)}/` : "";
  return { run, path, every: (often) => (run && run.ended !== null ? undefined : often) };
}
