// Model A and model B side by side, and whether the difference means anything yet.
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
import { count, dateTime, decimal, milliseconds, NONE, percent, sentence, signed, zone, type Figure } from "../parts/figures";
import { OneScale, type Range } from "../parts/one-scale";
import { Section } from "../parts/section";
import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { useRun } from "../shell/shown-run";
import { AbPictures, GRID } from "./ab-pictures";

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
        Differences are B minus A. Their intervals hold together, for all pairs and at every look, in {count(100 * ab.confidence)} of 100 runs: look as often
        as you like.
        {ab.run && ` Counted since ${dateTime(ab.since)} (${zone()}).`}
      </Typography>
      <Scales pairs={ab.pairs} />
      {ab.pairs.map((pair, at) => (
        <Section
          actions={<Chip color={colour(pair.verdict)} label={verdict(pair)} variant="outlined" />}
          about={sentence(pair.explanation)}
          key={`${pair.method} ${pair.name}`}
          title={`${pair.method} ${pair.name}`}
        >
          {isNarrow ? (
            <Upright pair={pair} />
          ) : (
            <DataTable
              columns={columnsOf(pair)}
              empty=""
              isEven
              keyOf={(row) => row.title}
              label={`${pair.method} ${pair.name}, models A and B`}
              rows={rows(pair)}
            />
          )}
          <AbPictures charts={charts[at]} markers={markers} />
        </Section>
      ))}
    </>
  );
}

/** `B is slower, 99.9 % sure` */
function verdict({ verdict, sure }: Pair): string {
  const words = `${verdict.charAt(0).toUpperCase()}${verdict.slice(1)}`;
  return sure == null ? words : `${words}, ${decimal(100 * sure, 4)} % sure`;
}

const TIMES = { Average: "avg_response_time", Median: "median_response_time", "95th percentile": "response_time_percentile_0.95" } as const;

/** The differences of all pairs: response times on one scale, failures on another. */
function Scales({ pairs }: { pairs: Pair[] }) {
  const [figure, setFigure] = useState<keyof typeof TIMES>("Average");
  const [isRelative, setRelative] = useState(false);
  const times = pairs.map((pair): Range => {
    const key = TIMES[figure];
    const of_a = pair.a[key];
    const share = (value: Figure) => (value == null || !of_a ? null : (100 * value) / of_a);
    const { difference, low, high } = pair[key];
    const [middle, from, to] = isRelative ? [share(difference), share(low), share(high)] : [difference, low, high];
    return range(pair, { difference: middle, low: from, high: to }, isRelative ? " %" : " ms");
  });
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
          <Choice label="Unit" names={["ms", "% of A"]} onChange={(unit) => setRelative(unit !== "ms")} value={isRelative ? "% of A" : "ms"} />
        </>
      }
      about="Grey bars hold 0: there may be no difference. To the right of the line B is slower, or fails more often."
      title="All differences"
    >
      <Box sx={GRID}>
        <OneScale ranges={times} title={`${figure} response time, B − A (${isRelative ? "% of A" : "ms"})`} unit={isRelative ? "%" : "ms"} />
        <OneScale ranges={failures} title="Failures, B − A (percentage points)" unit="pp" />
      </Box>
    </Section>
  );
}

function range({ name }: Pair, { difference, low, high }: { difference: Figure; low: Figure; high: Figure }, unit: string): Range {
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
    { title: "A", side: pair.a },
    { title: "B", side: pair.b },
    { title: "B − A", pair },
  ];
}

/** The same with the figures one below the other: on a phone the difference stays in sight. */
function Upright({ pair }: { pair: Pair }) {
  const figures = columnsOf(pair).slice(1);
  const [a, b, difference] = rows(pair);
  const side = (title: string, row: Row | undefined): Column<Column<Row>> => ({ title, cell: (figure) => row && figure.cell(row), mayWrap: true });
  return (
    <DataTable
      columns={[
        { title: "Figure", cell: ({ title }) => title, isText: true },
        side("A", a),
        side("B", b),
        side("B − A", difference),
      ]}
      empty=""
      keyOf={({ title }) => title}
      label={`${pair.method} ${pair.name}, models A and B`}
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
const STREAM_COLUMNS: Column<Row>[] = [
  {
    title: "First event (ms)",
    cell: of(
      ({ stream }) => milliseconds(stream?.avg_first_event),
      ({ avg_first_event }) => (avg_first_event ? <Apart difference={avg_first_event} unit=" ms" write={milliseconds} /> : NONE),
    ),
  },
  { title: "Inter-token latency (ms)", cell: of(({ stream }) => milliseconds(stream?.avg_inter_token_latency), () => NONE) },
  { title: "Tokens/s", cell: of(({ stream }) => decimal(stream?.tokens_per_second), () => NONE) },
  { title: "Tokens in", cell: of(({ stream }) => count(stream?.input_tokens), () => NONE) },
  { title: "Tokens out", cell: of(({ stream }) => count(stream?.output_tokens), () => NONE) },
  { title: "Cost", cell: of(({ stream }) => decimal(stream?.cost, 4), () => NONE) },
];

const columnsOf = ({ a, b }: Pair) => (a.stream || b.stream ? [...COLUMNS, ...STREAM_COLUMNS] : COLUMNS);

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
