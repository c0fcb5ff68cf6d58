// The ledger over time: what was due each second, and what became of it.
import Box from "@mui/material/Box";
import FormControl from "@mui/material/FormControl";
import InputLabel from "@mui/material/InputLabel";
import NativeSelect from "@mui/material/NativeSelect";
import { LineChart } from "locust-ui";
import { useMemo, useState } from "react";

import { Answered } from "../parts/answered";
import { Section } from "../parts/section";
import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { useStore, type Point } from "../store";

type Columns = Answers["LedgerColumns"];

const COUNTS = [
  { key: "planned", name: "Planned/s" },
  { key: "recorded", name: "Recorded/s" },
  { key: "skipped", name: "Skipped/s" },
  { key: "missing", name: "Missing/s" },
];
const COUNT_COLOURS = ["#8a8a93", "#00ca5a", "#ff9f00", "#ff6d6d"];

const LATENESS = [{ key: "lateness", name: "95th percentile of lateness" }];
const LATENESS_COLOURS = ["#9966CC"];

const ALL = "All classes";

/** The charts of the run that is on, or was on last. */
export function LedgerChart() {
  const asked = useAnswer<Answers["LedgerHistory"]>("ledger/history", 5_000);
  const [name, setName] = useState(ALL);
  return (
    <Answered asked={asked} what="history of the ledger">
      {(history) => (
        <Section
          actions={<Choice classes={Object.keys(history.classes)} name={name} onChange={setName} />}
          title="Over time"
        >
          <Charts columns={history.classes[name] ?? history.total} history={history} key={`${name} ${history.time[0]}`} />
        </Section>
      )}
    </Answered>
  );
}

interface ChoiceProps {
  classes: string[];
  name: string;
  onChange: (name: string) => void;
}

function Choice({ classes, name, onChange }: ChoiceProps) {
  return (
    <FormControl size="small" variant="standard">
      <InputLabel htmlFor="ledger-class" shrink>
        Class
      </InputLabel>
      <NativeSelect id="ledger-class" onChange={(event) => onChange(event.target.value)} value={name}>
        {[ALL, ...classes].map((name) => (
          <option key={name}>{name}</option>
        ))}
      </NativeSelect>
    </FormControl>
  );
}

/** What Locust's chart takes: the points of each line, and the times of them all. */
type Lines = Record<string, Point[] | string[]> & { time: string[] };

interface ChartsProps {
  columns: Columns;
  history: Answers["LedgerHistory"];
}

function Charts({ columns, history: { time, seconds } }: ChartsProps) {
  const isDarkMode = useStore(({ theme }) => theme.isDarkMode);
  const charts = useMemo((): Lines => {
    // intervals grow with age, so counts are only comparable by the second
    const rates = COUNTS.map(({ key }) => [key, points(time, (at) => (columns[key as keyof Columns][at] ?? 0) / (seconds[at] || 1))] as const);
    const lateness = points(time, (at) => columns.lateness_p95_ms[at] ?? null);
    return { ...Object.fromEntries<Point[] | string[]>(rates), lateness, time };
  }, [columns, time, seconds]);
  return (
    <Box>
      <LineChart charts={charts} colors={COUNT_COLOURS} isDarkMode={isDarkMode} lines={COUNTS} title="Iterations a Second" />
      <LineChart charts={charts} colors={LATENESS_COLOURS} isDarkMode={isDarkMode} lines={LATENESS} title="Lateness (ms)" />
    </Box>
  );
}

function points(time: string[], value: (at: number) => number | null): Point[] {
  return time.map((time, at) => {
    const here = value(at);
    return [time, here === null ? null : Math.round(100 * here) / 100];
  });
}
