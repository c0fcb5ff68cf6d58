// What the charts draw: the server's history of a run, and what is not known of it.
import type { Gap, Mark } from "../parts/chart";
import type { Figure } from "../parts/figures";
import type { Answers } from "../server";

type History = Answers["History"];
type LedgerHistory = Answers["LedgerHistory"];

/** The percentiles that the server's history has. */
export const PERCENTILES = ["0.5", "0.66", "0.75", "0.8", "0.9", "0.95", "0.98", "0.99", "0.999", "0.9999", "1.0"] as const;

export type Percentile = (typeof PERCENTILES)[number];

export interface Charts {
  /** Milliseconds since the epoch. */
  times: number[];
  rps: Figure[];
  failures: Figure[];
  users: Figure[];
  percentile: (percentile: Percentile) => Figure[];
  gaps: Gap[];
}

/** The history from an instant on, as lines: where nothing of what was due left a trace, nothing is known. */
export function chartsOf({ history }: History, ledger: LedgerHistory | null, from: number): Charts {
  const points = history.filter(({ time }) => Date.parse(time) >= from);
  const times = points.map(({ time }) => Date.parse(time));
  const gaps = ledger ? gapsOf(ledger).filter(({ to }) => to > from) : [];
  const isKnown = times.map((time) => !gaps.some((gap) => time > gap.from && time <= gap.to));
  const figures = (value: (point: (typeof points)[number]) => Figure) => points.map((point, at) => (isKnown[at] ? value(point) : null));
  return {
    times,
    gaps,
    rps: figures((point) => point.current_rps[1]),
    failures: figures((point) => point.current_fail_per_sec[1]),
    // nobody sends while the program is away
    users: points.map((point, at) => (isKnown[at] ? point.user_count[1] : 0)),
    percentile: (percentile) =>
      // without a request there is no response time
      figures((point) => (point.current_rps[1] > 0 ? point[`response_time_percentile_${percentile}`]?.[1] : null)),
  };
}

/** Intervals in which most of the iterations that were due left no trace. */
export function gapsOf({ time, seconds, total }: LedgerHistory): Gap[] {
  const gaps: Gap[] = [];
  time.forEach((ends, at) => {
    const lost = total.missing[at] ?? 0;
    const isLost = lost > (total.recorded[at] ?? 0) + (total.skipped[at] ?? 0);
    if (!isLost) return;
    const to = Date.parse(ends);
    const from = to - 1_000 * (seconds[at] ?? 0);
    const last = gaps.at(-1);
    if (last && last.to >= from) last.to = to;
    else gaps.push({ from, to, name: "not known" });
  });
  return gaps;
}

/** What happened to a run, as the server tells. */
export const marksOf = (markers: Answers["Markers"] | null): Mark[] => markers?.markers.map(({ at, name }) => ({ at: 1_000 * at, name })) ?? [];
