// Two models side by side, and whether the difference means anything yet.
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Chip from "@mui/material/Chip";
import type { Theme } from "@mui/material/styles";
import Typography from "@mui/material/Typography";
import useMediaQuery from "@mui/material/useMediaQuery";
import { useState } from "react";

import { Answered } from "../parts/answered";
import { Choice } from "../parts/choice";
import { DataTable, type Column } from "../parts/data-table";
import { count, dateTime, decimal, milliseconds, NONE, percent, signed, zone, type Figure } from "../parts/figures";
import { OneScale, type Range } from "../parts/one-scale";
import { Section } from "../parts/section";
import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { useRun } from "../shell/shown-run";
import { AbPictures, firstOf, GRID } from "./ab-pictures";

type Side = Answers["Side"];
type Pair = Answers["Pair"];

export function AbTab() {
  const { path, every } = useRun();
  const asked = useAnswer<Answers["Comparison"]>(`${path}ab`, every(5_000));
  const charts = useAnswer<Answers["AbCharts"]>(`${path}ab/charts`, every(10_000));
  const markers = useAnswer<Answers["Markers"]>(`${path}markers`, every(10_000));
  return (
    <Answered asked={asked} what="comparison of models">
      {(ab) => <Comparison ab={ab} charts={charts.answer?.pairs ?? []} markers={markers.answer} />}
    </Answered>
  );
}

interface ComparisonProps {
  ab: Answers["Comparison"];
  charts: Answers["PairCharts"][];
  markers: Answers["Markers"] | null;
}

/** All pairs: the outcome, all differences on one scale, and each pair in figures and pictures. */
function Comparison({ ab, charts, markers }: ComparisonProps) {
  const isNarrow = useMediaQuery((theme: Theme) => theme.breakpoints.down("md"), { noSsr: true });
  if (ab.pairs.length === 0) {
    return <Alert severity="info">The workload has no request that is sent to a model A and to a model B.</Alert>;
  }
  return (
    <>
      <Typography component="p" sx={{ mb: 1, maxWidth: "70ch", fontWeight: 500 }} variant="h6">
        {ab.summary}
      </Typography>
      <Typography color="text.secondary" sx={{ mb: 3, maxWidth: "80ch" }} variant="body2">
        Differences are {ab.b} minus {ab.a}. Their intervals hold together, for all pairs and at every look, in {count(100 * ab.confidence)} of 100 runs: look as often
        as you like.
        {ab.run && ` Counted since ${dateTime(ab.since)} (${zone()}).`}
      </Typography>
      <Scales ab={ab} />
      {ab.pairs.map((pair, at) => (
        <Section
          actions={<Chip color={colour(pair.verdict)} label={verdict(pair)} sx={WRAPPED} variant="outlined" />}
          about={said(pair, `${pair.explanation}.`)}
          key={`${pair.method} ${pair.name}`}
          title={`${pair.method} ${pair.name}`}
        >
          {isNarrow || hasStreams(pair) ? (
            <Upright pair={pair} />
          ) : (
            <DataTable
              columns={columnsOf(pair)}
              empty=""
              isEven
              keyOf={(row) => row.title}
              label={`${pair.method} ${pair.name}, models ${pair.a.label} and ${pair.b.label}`}
              rows={rows(pair)}
            />
          )}
          <AbPictures charts={charts[at]} markers={markers} pair={pair} />
        </Section>
      ))}
    </>
  );
}

/** The names of models are long, and screens are small. */
const WRAPPED = { height: "auto", minHeight: 32, "& .MuiChip-label": { py: 0.5, whiteSpace: "normal", overflowWrap: "anywhere" } };

/** `B is slower, 99.9 % sure` */
function verdict(pair: Pair): string {
  const { sure } = pair;
  const words = said(pair, pair.verdict);
  return sure == null ? words : `${words}, ${decimal(100 * sure, 4)} % sure`;
}

/** As it begins a sentence; the name of a model stays as it is. */
const said = ({ a, b }: Pair, words: string) =>
  [a, b].some(({ model }) => model && words.startsWith(model)) ? words : `${words.charAt(0).toUpperCase()}${words.slice(1)}`;

const TIMES = { Average: "avg_response_time", Median: "median_response_time", "95th percentile": "response_time_percentile_0.95" } as const;

/** The differences of all pairs: response times on one scale, failures on another. */
function Scales({ ab: { pairs, a, b } }: { ab: Answers["Comparison"] }) {
  const [figure, setFigure] = useState<keyof typeof TIMES>("Average");
  const [isRelative, setRelative] = useState(false);
  const share = `% of ${a}`;
  const times = pairs.map((pair): Range => {
    const key = TIMES[figure];
    const of_a = pair.a[key];
    const shareOf = (value: Figure) => (value == null || !of_a ? null : (100 * value) / of_a);
    const { difference, low, high } = pair[key];
    const [middle, from, to] = isRelative ? [shareOf(difference), shareOf(low), shareOf(high)] : [difference, low, high];
    return range(pair, { difference: middle, low: from, high: to }, isRelative ? " %" : " ms");
  });
  const events = pairs.flatMap((pair) => (pair.avg_first_event ? [range(pair, pair.avg_first_event, " ms")] : []));
  const first = pairs.map(firstOf).includes("First token") ? "First token" : "First event";
  const failures = pairs.map((pair): Range => {
    const points = (value: Figure) => (value == null ? null : 100 * value);
    const { difference, low, high } = pair.fail_ratio;
    return range(pair, { difference: points(difference), low: points(low), high: points(high) }, " pp");
  });
  return (
    <Section
      actions={
        <>
          <Choice label="Response time" names={Object.keys(TIMES)} onChange={(name) => setFigure(name as keyof typeof TIMES)} value={figure} />
          <Choice label="Unit" names={["ms", share]} onChange={(unit) => setRelative(unit !== "ms")} value={isRelative ? share : "ms"} />
        </>
      }
      about={`Grey bars hold 0: there may be no difference. To the right of the line ${b} is slower, or fails more often.`}
      title="All differences"
    >
      <Box sx={GRID}>
        <OneScale ranges={times} title={`${figure} response time, ${b} − ${a} (${isRelative ? share : "ms"})`} unit={isRelative ? "%" : "ms"} />
        <OneScale ranges={failures} title={`Failures, ${b} − ${a} (percentage points)`} unit="pp" />
        {events.length > 0 && <OneScale ranges={events} title={`${first}, ${b} − ${a} (ms)`} unit="ms" />}
      </Box>
    </Section>
  );
}

interface Interval {
  difference?: Figure;
  low?: Figure;
  high?: Figure;
}

function range({ name }: Pair, { difference, low, high }: Interval, unit: string): Range {
  const sign = signed(milliseconds);
  const interval = low == null || high == null ? ", too few requests" : ` (${sign(low)} to ${sign(high)})`;
  return { name, difference, low, high, text: difference == null ? "no request yet" : `${sign(difference)}${unit}${interval}` };
}

function colour(verdict: string) {
  if (/slower|more often/.test(verdict)) return "error";
  if (/faster|less often/.test(verdict)) return "success";
  return "default";
}

/** A row: the figures of a side, or the difference of both. */
type Row = { title: string } & ({ side: Side } | { pair: Pair });

function rows(pair: Pair): Row[] {
  return [
    { title: pair.a.label, side: pair.a },
    { title: pair.b.label, side: pair.b },
    { title: `${pair.b.label} − ${pair.a.label}`, pair },
  ];
}

/** The same with the figures one below the other: on a phone the difference stays in sight, and of streams all figures do. */
function Upright({ pair }: { pair: Pair }) {
  const figures = columnsOf(pair).slice(1);
  const [a, b, difference] = rows(pair);
  const side = (row: Row): Column<Column<Row>> => ({ title: row.title, cell: (figure) => figure.cell(row), mayWrap: true });
  return (
    <DataTable
      columns={[
        { title: "Figure", cell: ({ title }) => title, isText: true },
        ...[a, b, difference].flatMap((row) => (row ? [side(row)] : [])),
      ]}
      empty=""
      keyOf={({ title }) => title}
      label={`${pair.method} ${pair.name}, models ${pair.a.label} and ${pair.b.label}`}
      rows={figures}
    />
  );
}

const of =
  (side: (side: Side) => string, difference: (pair: Pair) => React.ReactNode) =>
  (row: Row): React.ReactNode =>
    "side" in row ? side(row.side) : difference(row.pair);

const time = (key: (typeof TIMES)[keyof typeof TIMES]) =>
  of(
    (side) => milliseconds(side[key]),
    (pair) => <Apart difference={pair[key]} unit=" ms" write={milliseconds} />,
  );

const points = (ratio: Figure) => (ratio == null ? NONE : decimal(100 * ratio));

const COLUMNS: Column<Row>[] = [
  { title: "Model", cell: (row) => row.title, isText: true },
  { title: "# Requests", cell: of((side) => count(side.num_requests), () => NONE) },
  { title: "# Fails", cell: of((side) => count(side.num_failures), () => NONE) },
  {
    title: "Failures",
    cell: of((side) => percent(side.fail_ratio), (pair) => <Apart difference={pair.fail_ratio} unit=" pp" write={points} />),
  },
  { title: "Median (ms)", cell: time("median_response_time") },
  { title: "95%ile (ms)", cell: time("response_time_percentile_0.95") },
  { title: "Average (ms)", cell: time("avg_response_time") },
];

/** The columns of pairs that are streams: the first token, tokens, and what they cost. */
const streamColumns = (first: string): Column<Row>[] => [
  {
    title: `${first} (ms)`,
    cell: of(
      ({ stream }) => milliseconds(stream?.avg_first_event),
      ({ avg_first_event }) => (avg_first_event ? <Apart difference={avg_first_event} unit=" ms" write={milliseconds} /> : NONE),
    ),
  },
  { title: "Inter-token latency (ms)", cell: of(({ stream }) => milliseconds(stream?.avg_inter_token_latency), () => NONE) },
  { title: "Tokens/s", cell: of(({ stream }) => decimal(stream?.tokens_per_second), () => NONE) },
  { title: "Tokens in", cell: of(({ stream }) => count(stream?.input_tokens), () => NONE) },
  { title: "Tokens out", cell: of(({ stream }) => count(stream?.output_tokens), () => NONE) },
  { title: "Cost", cell: of(({ stream }) => decimal(stream?.cost, (stream?.cost ?? 0) < 0.01 ? 6 : 4), () => NONE) },
];

const hasStreams = ({ a, b }: Pair) => a.stream !== undefined || b.stream !== undefined;

const columnsOf = (pair: Pair) => (hasStreams(pair) ? [...COLUMNS, ...streamColumns(firstOf(pair))] : COLUMNS);

interface ApartProps {
  difference: Pair["avg_response_time" | "fail_ratio"];
  unit: string;
  write: (value: Figure) => string;
}

/** A difference with its interval below it. */
function Apart({ difference, unit, write }: ApartProps) {
  const { low, high } = difference;
  const sign = signed(write);
  return (
    <>
      <Box component="span" sx={{ fontWeight: 700, whiteSpace: "nowrap" }}>
        {sign(difference.difference)}
        {difference.difference == null ? "" : unit}
      </Box>
      {low != null && high != null && (
        <Typography color="text.secondary" component="div" variant="caption">
          {sign(low)} to {sign(high)}
        </Typography>
      )}
    </>
  );
}
