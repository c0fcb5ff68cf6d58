// Keeps the page's figures up to date, as Locust's page does: every two seconds while users run.
//
// Locust's stops looking when a run ends; a schedule or a script may start the next one here, so this goes
// on, now and then.
import { useEffect, useState } from "react";

import { get, Problem, type Answers } from "../server";
import { askForTemplateArgs } from "../shell/template-args";
import { isOn, now, setFigures, setSwarm, type State } from "../store";
import { camelCased, type CamelCased } from "./names";

/** Milliseconds from one look to the next while users run, and while none do. */
const BUSY = 2_000;
const IDLE = 10_000;

/** Failed looks in a row after which the page says so. */
const PATIENCE = 2;

type Statistics = CamelCased<Answers["Requests"]>;

/** Milliseconds for which the server may still answer with what it had before a change. */
const SETTLED = 400;

export interface Silence {
  since: Date;
  message: string;
  /** The session is over, or the password is another by now. */
  isLoggedOut: boolean;
}

let lookAgain: (() => void) | null = null;

/** When something was last changed from this page. */
let changed = 0;

/** The state that the server named last; the store's may be ahead of it. */
let named: State | null = null;

/** Something was just changed: looks at what came of it, and disregards what was asked before. */
export function refresh(): void {
  changed = Date.now();
  setTimeout(() => lookAgain?.(), SETTLED);
}

/** Follows the statistics for as long as the component lives; says since when there is no answer, and why. */
export function useStatistics(): Silence | null {
  const [silence, setSilence] = useState<Silence | null>(null);
  useEffect(() => follow(setSilence), []);
  return silence;
}

function follow(setSilence: (silence: Silence | null) => void): () => void {
  const end = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let looking = false;
  let failures = 0;
  let answered = new Date();

  async function look(): Promise<void> {
    if (looking) return;
    looking = true;
    clearTimeout(timer);
    const asked = Date.now();
    try {
      const statistics = camelCased(await get<Answers["Requests"]>("stats/requests", end.signal));
      if (asked >= changed + SETTLED) show(statistics);
      failures = 0;
      answered = new Date();
      setSilence(null);
    } catch (problem) {
      if (end.signal.aborted) return;
      if (!(problem instanceof Problem)) throw problem;
      failures += 1;
      const isLoggedOut = problem.status === 401;
      if (isLoggedOut || failures >= PATIENCE) setSilence({ since: answered, message: problem.message, isLoggedOut });
    } finally {
      looking = false;
      const soon = isOn(now().swarm.state) || failures > 0 || asked < changed + IDLE;
      if (!end.signal.aborted) timer = setTimeout(() => void look(), soon ? BUSY : IDLE);
    }
  }

  function seenAgain(): void {
    if (document.visibilityState !== "visible") return;
    void look();
  }

  lookAgain = () => void look();
  document.addEventListener("visibilitychange", seenAgain);
  void look();
  return () => {
    end.abort();
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seenAgain);
    lookAgain = null;
  };
}

function show(statistics: Statistics): void {
  const { state, stats, errors, userCount } = statistics;
  const rps = rounded(statistics.currentRps);
  const p95 = statistics.currentResponseTimePercentile95 ?? null;
  const failRatio = Math.round(100 * statistics.failRatio);
  const { late, starved } = statistics;
  setFigures({ stats, errors, userCount, p95, late, starved: starved?.message, totalRps: rps, failRatio });
  if (isOn(state) && named !== null && !isOn(named)) void newRun();
  named = state;
  if (state !== now().swarm.state) setSwarm({ state });
}

/** Somebody may have started it with a shape, or with another host. */
async function newRun(): Promise<void> {
  try {
    await askForTemplateArgs();
  } catch (problem) {
    // the forms ask once more when they are opened, and say so
    if (!(problem instanceof Problem)) throw problem;
  }
}

const rounded = (value: number) => Math.round(100 * value) / 100;
