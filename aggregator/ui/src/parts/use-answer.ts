// What a tab shows: a route's answer, kept up to date while the tab is looked at.
import { useCallback, useEffect, useState } from "react";

import { get, Problem } from "../server";

export interface Asked<T> {
  /** The newest answer; it stays when a later look fails. */
  answer: T | null;
  /** Why the newest look failed, if it did. */
  problem: Problem | null;
  /** Looks again, now. */
  again: () => void;
}

/** Asks for a path now and, if `every` says so, every so many milliseconds; nothing without a path. */
export function useAnswer<T>(path: string | null, every?: number): Asked<T> {
  const [answer, setAnswer] = useState<{ path: string; body: T } | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [look, setLook] = useState(0);

  useEffect(() => {
    if (path === null) return;
    const end = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    async function ask(path: string): Promise<void> {
      let isThere = true;
      try {
        if (document.visibilityState === "visible") {
          setAnswer({ path, body: await get<T>(path, end.signal) });
          setProblem(null);
        }
      } catch (error) {
        if (end.signal.aborted) return;
        if (!(error instanceof Problem)) throw error;
        isThere = error.status !== 404;
        setProblem(error);
      }
      if (every && isThere && !end.signal.aborted) timer = setTimeout(() => void ask(path), every);
    }
    void ask(path);
    return () => {
      end.abort();
      clearTimeout(timer);
    };
  }, [path, every, look]);

  const again = useCallback(() => setLook((look) => look + 1), []);
  return { answer: answer?.path === path ? answer.body : null, problem, again };
}
