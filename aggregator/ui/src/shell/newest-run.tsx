// The run that is on, or was on last: when it began, how long it goes on, and who started it.
import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from "react";

import { useAnswer } from "../parts/use-answer";
import { get, Problem, type Answers } from "../server";
import { isOn, useStore } from "../store";

type RunRow = Answers["RunRow"];

const NewestRun = createContext<{ run: RunRow | null; at: number }>({ run: null, at: 0 });

/** Milliseconds between two looks at it, beside each change of state; the time in between is counted on. */
const OFTEN = 30_000;

export function NewestRunProvider({ children }: { children: ReactNode }) {
  const state = useStore(({ swarm }) => swarm.state);
  const { answer, again } = useAnswer<Answers["RunList"]>("runs?limit=1", OFTEN);
  const newest = useMemo(() => ({ run: answer?.runs[0] ?? null, at: Date.now() }), [answer]);
  useEffect(again, [again, state]);
  return <NewestRun value={newest}>{children}</NewestRun>;
}

/** The name that somebody gave the newest run. */
export const useRunName = () => useContext(NewestRun).run?.name ?? null;

/** The newest run as the server has it now, or null if there is none or no answer. */
export async function askForNewestRun(): Promise<RunRow | null> {
  try {
    return (await get<Answers["RunList"]>("runs?limit=1")).runs[0] ?? null;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    return null;
  }
}

/** Seconds since the run began, and until it ends by itself if it does; null when none is on. */
export function useElapsed(): { elapsed: number; remaining: number | null } | null {
  const { run, at } = useContext(NewestRun);
  const state = useStore(({ swarm }) => swarm.state);
  const [, tick] = useState(0);
  useEffect(() => {
    if (!isOn(state)) return;
    const timer = setInterval(() => tick((ticks) => ticks + 1), 1_000);
    return () => clearInterval(timer);
  }, [state]);
  if (!run || run.ended !== null || !isOn(state)) return null;
  const elapsed = run.duration + (Date.now() - at) / 1_000;
  return { elapsed, remaining: run.until == null ? null : Math.max(0, run.until - run.started - elapsed) };
}

const PLACE = "runs started here";

/** Runs that this browser started, the newest first; a few of them. */
const startedHere = () => JSON.parse((localStorage[PLACE] as string | undefined) ?? "[]") as string[];

export const wasStartedHere = (run: RunRow) => startedHere().includes(run.id);

/** The newest run was just started from this page. */
export async function rememberStart(): Promise<void> {
  const run = await askForNewestRun();
  if (run) localStorage[PLACE] = JSON.stringify([run.id, ...startedHere()].slice(0, 20));
}
