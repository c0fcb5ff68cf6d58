// A run beside another one, row by row: what differs, and whether that may be chance.
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import FormControl from "@mui/material/FormControl";
import InputLabel from "@mui/material/InputLabel";
import NativeSelect from "@mui/material/NativeSelect";
import Typography from "@mui/material/Typography";
import { useId } from "react";

import { Answered } from "../parts/answered";
import { DataTable, type Column } from "../parts/data-table";
import { count, dateTime, decimal, milliseconds, NONE, percent, signed, zone, type Figure } from "../parts/figures";
import { Section } from "../parts/section";
import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { useRun } from "../shell/shown-run";
import { go, useStore } from "../store";
import { titleOf } from "./run-actions";

type Row = Answers["ComparedRow"];
type Side = Answers["RunSide"];

/** Runs that can be chosen; the address may name any. */
const CHOICE = 100;

export function CompareTab() {
  const { run, path, every } = useRun();
  const baseline = useStore(({ query }) => query["baseline"] ?? null);
  const runs = useAnswer<Answers["RunList"]>(`runs?limit=${CHOICE}`, 30_000);
  const asked = useAnswer<Answers["RunComparison"]>(baseline && `${path}compare?baseline=${encodeURIComponent(baseline)}`, every(5_000));
  return (
    <Section
      about="Differences are this run minus the baseline. Their intervals hold together in 95 of 100 comparisons: they tell chance in the requests of these two runs, and not what else was different between them. Requests a second follow from what was asked for, and are not judged."
      title="Compare with another run"
    >
      <Answered asked={runs} what="list of runs">
        {({ runs }) => <Baseline own={run?.id ?? runs[0]?.id} runs={runs} value={baseline} />}
      </Answered>
      {baseline === null ? (
        <Alert severity="info">Choose the run that this one is compared with.</Alert>
      ) : (
        <Answered asked={asked} what={`run ${baseline}`}>
          {(comparison) => <Comparison comparison={comparison} />}
        </Answered>
      )}
    </Section>
  );
}

interface BaselineProps {
  own: string | undefined;
  runs: Answers["RunRow"][];
  value: string | null;
}

/** The runs and their parts, but the one that is shown. */
function Baseline({ own, runs, value }: BaselineProps) {
  const id = useId();
  const choices = runs
    .flatMap((run) => [
      { id: run.id, title: run.name === null ? titleOf(run) : `${run.name} (${dateTime(run.started)})` },
      ...run.parts.map(({ id, until }) => ({ id, title: `${titleOf(run)}, before the reset of ${dateTime(until)}` })),
    ])
    .filter((choice) => choice.id !== own);
  const isListed = value === null || choices.some((choice) => choice.id === value);
  return (
    <FormControl size="small" sx={{ mb: 2, minWidth: 0, maxWidth: "100%" }} variant="standard">
      <InputLabel htmlFor={id} shrink>
        Baseline
      </InputLabel>
      <NativeSelect id={id} onChange={(event) => go({ baseline: event.target.value || null })} sx={{ maxWidth: "100%" }} value={value ?? ""}>
        <option value="">none yet</option>
        {!isListed && <option value={value}>{value}</option>}
        {choices.map(({ id, title }) => (
          <option key={id} value={id}>
            {title}
          </option>
        ))}
      </NativeSelect>
    </FormControl>
  );
}

function Comparison({ comparison: { run, baseline, rows, summary } }: { comparison: Answers["RunComparison"] }) {
  const shown = (one: Answers["ComparedRun"]) => `${one.name ?? one.id}, counted since ${dateTime(one.since)}`;
  return (
    <>
      <Typography component="p" sx={{ mb: 1, maxWidth: "70ch", fontWeight: 500 }} variant="h6">
        {summary}
      </Typography>
      <Typography color="text.secondary" sx={{ mb: 2 }} variant="body2">
        This run: {shown(run)}. Baseline: {shown(baseline)} ({zone()}).
      </Typography>
      <DataTable
        columns={COLUMNS}
        empty="Neither run has any request."
        isBold={(row) => row.method === "" && row.name === "Aggregated"}
        keyOf={(row) => `${row.method} ${row.name}`}
        label="This run and the baseline"
        rows={rows}
      />
    </>
  );
}

const verdict = ({ verdict, sure }: Row) => {
  if (verdict === "no difference shown") return "May be chance";
  const words = `${verdict.charAt(0).toUpperCase()}${verdict.slice(1)}`;
  return sure == null ? words : `${words}, ${decimal(100 * sure, 4)} % sure`;
};

/** A figure of both runs, with their difference. */
function figure(title: string, of: (side: Side) => Figure, write: (value: Figure) => string, difference: (row: Row) => Difference): Column<Row> {
  return {
    title,
    cell: (row) => <Both after={of(row.run)} before={of(row.baseline)} difference={difference(row)} write={write} />,
    sortBy: (row) => difference(row).difference,
  };
}

interface Difference {
  difference?: Figure;
  low?: Figure;
  high?: Figure;
  sure?: Figure;
  /** What stands after it. */
  unit?: string;
  /** How it is written, if not as the figures are. */
  write?: (value: Figure) => string;
}

interface BothProps {
  before: Figure;
  after: Figure;
  difference: Difference;
  write: (value: Figure) => string;
}

function Both({ before, after, difference: { difference, low, high, sure, unit = "", write: other }, write }: BothProps) {
  const sign = signed(other ?? write);
  return (
    <>
      {write(after)}
      <Typography color="text.secondary" component="div" variant="caption">
        was {write(before)}
      </Typography>
      <Typography component="div" sx={{ fontWeight: sure == null ? 400 : 700 }} variant="caption">
        {difference == null ? NONE : `${sign(difference)}${unit}`}
      </Typography>
      {low != null && high != null && (
        <Typography color="text.secondary" component="div" variant="caption">
          {sign(low)} to {sign(high)}
        </Typography>
      )}
    </>
  );
}

const apart = (a: number, b: number): Difference => ({ difference: b - a });

const points = (value: Figure) => decimal(value == null ? value : 100 * value);

const COLUMNS: Column<Row>[] = [
  {
    title: "Name",
    cell: ({ method, name }) => (
      <Box component="span" sx={{ overflowWrap: "anywhere" }}>
        {method} {name}
      </Box>
    ),
    isName: true,
    isText: true,
    sortBy: ({ name }) => name,
  },
  { title: "Verdict", cell: (row) => <span title={row.explanation}>{verdict(row)}</span>, isText: true, sortBy: verdict },
  figure("# Requests", ({ num_requests }) => num_requests, count, ({ num_requests }) => ({ difference: num_requests })),
  figure("# Fails", ({ num_failures }) => num_failures, count, ({ baseline, run }) => apart(baseline.num_failures, run.num_failures)),
  figure("Failures", ({ fail_ratio }) => fail_ratio, percent, ({ fail_ratio }) => ({ ...fail_ratio, unit: " pp", write: points })),
  figure("Median (ms)", (side) => side.median_response_time, milliseconds, (row) => row.median_response_time),
  figure("95%ile (ms)", (side) => side["response_time_percentile_0.95"], milliseconds, (row) => row["response_time_percentile_0.95"]),
  figure("Average (ms)", (side) => side.avg_response_time, milliseconds, (row) => row.avg_response_time),
  figure("RPS", ({ total_rps }) => total_rps, decimal, ({ total_rps }) => ({ difference: total_rps })),
];
