// The ledger over time: what was due each second, and what became of it.
import { useMemo, useState } from "react";

import { Answered } from "../parts/answered";
import { Chart } from "../parts/chart";
import { Choice } from "../parts/choice";
import type { Figure } from "../parts/figures";
import { Section } from "../parts/section";
import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { useNewestRun } from "../shell/newest-run";
import { useRun } from "../shell/shown-run";
import { gapsOf, marksOf } from "../statistics/history";

type Columns = Answers["LedgerColumns"];

const COUNTS = [
  { key: "planned", name: "Planned/s", colours: ["#616161", "#bdbdbd"] },
  { key: "recorded", name: "Recorded/s", colours: ["#15803d", "#4ade80"] },
  { key: "skipped", name: "Skipped/s", colours: ["#9a4b00", "#ffb74d"] },
  { key: "missing", name: "Missing/s", colours: ["#c62828", "#ff8a80"] },
] as const;

const LATENESS: [string, string] = ["#7b1fa2", "#ce93d8"];

const ALL = "All classes";

/** The charts of the run that is shown. */
export function LedgerChart() {
  const { path, every } = useRun();
  const asked = useAnswer<Answers["LedgerHistory"]>(`${path}ledger/history`, every(5_000));
  const [name, setName] = useState(ALL);
  return (
    <Answered asked={asked} what="history of the ledger">
      {(history) => (
        <Section
          actions={<Choice label="Class" names={[ALL, ...Object.keys(history.classes)]} onChange={setName} value={name} />}
          title="Over time"
        >
          <Charts columns={history.classes[name] ?? history.total} history={history} />
        </Section>
      )}
    </Answered>
  );
}

interface ChartsProps {
  columns: Columns;
  history: Answers["LedgerHistory"];
}

function Charts({ columns, history }: ChartsProps) {
  const { run: named } = useRun();
  const newest = useNewestRun();
  const run = named ?? newest;
  const { times, gaps, marks, counts, lateness } = useMemo(() => {
    const { time, seconds } = history;
    // intervals grow with age, so counts are only comparable by the second
    const rate = (counts: number[]): Figure[] => time.map((_, at) => (counts[at] ?? 0) / (seconds[at] || 1));
    return {
      times: time.map((time) => Date.parse(time)),
      gaps: gapsOf(history),
      marks: marksOf(run),
      counts: COUNTS.map(({ key, name, colours: [day, night] }) => ({ name, colours: [day, night] as [string, string], values: rate(columns[key]) })),
      lateness: time.map((_, at): Figure => columns.lateness_p95_ms[at]),
    };
  }, [columns, history, run]);
  return (
    <>
      <Chart gaps={gaps} lines={counts} marks={marks} times={times} title="Iterations a Second" />
      <Chart
        gaps={gaps}
        lines={[{ name: "95th percentile of lateness", colours: LATENESS, values: lateness }]}
        marks={marks}
        times={times}
        title="Lateness (ms)"
      />
    </>
  );
}
