// Model A and model B side by side, and whether the difference means anything yet.
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Chip from "@mui/material/Chip";
import type { Theme } from "@mui/material/styles";
import Typography from "@mui/material/Typography";
import useMediaQuery from "@mui/material/useMediaQuery";

import { Answered } from "../parts/answered";
import { DataTable, type Column } from "../parts/data-table";
import { count, dateTime, milliseconds, NONE, percent, signed, type Figure } from "../parts/figures";
import { Interval } from "../parts/interval";
import { Section } from "../parts/section";
import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { useRun } from "../shell/shown-run";

type Side = Answers["Side"];
type Pair = Answers["Pair"];

export function AbTab() {
  const { path, every } = useRun();
  const asked = useAnswer<Answers["Comparison"]>(`${path}ab`, every(5_000));
  return (
    <Answered asked={asked} what="comparison of models">
      {(ab) => <Comparison ab={ab} />}
    </Answered>
  );
}

/** All pairs. */
function Comparison({ ab }: { ab: Answers["Comparison"] }) {
  const isNarrow = useMediaQuery((theme: Theme) => theme.breakpoints.down("md"), { noSsr: true });
  if (ab.pairs.length === 0) {
    return <Alert severity="info">The workload has no request that is sent to a model A and to a model B.</Alert>;
  }
  return (
    <>
      <Typography color="text.secondary" sx={{ mb: 3, maxWidth: "80ch" }} variant="body2">
        Differences are B minus A, with an interval that holds the true one {count(100 * ab.confidence)} times out of 100.
        {ab.run && ` Counted since ${dateTime(ab.since)}.`}
      </Typography>
      {ab.pairs.map((pair) => (
        <Section
          actions={<Chip color={colour(pair.verdict)} label={pair.verdict} variant="outlined" />}
          about={sentence(pair.explanation)}
          key={`${pair.method} ${pair.name}`}
          title={`${pair.method} ${pair.name}`}
        >
          {isNarrow ? (
            <Upright confidence={ab.confidence} pair={pair} />
          ) : (
            <DataTable
              columns={columns(ab.confidence)}
              empty=""
              isEven
              keyOf={(row) => row.title}
              label={`${pair.method} ${pair.name}, models A and B`}
              rows={rows(pair)}
            />
          )}
        </Section>
      ))}
    </>
  );
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

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
function Upright({ confidence, pair }: { confidence: number; pair: Pair }) {
  const figures = columns(confidence).slice(1);
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
      rows={figures.slice(0, -1)}
    />
  );
}

function columns(confidence: number): Column<Row>[] {
  const of =
    (side: (side: Side) => string, difference: (pair: Pair) => React.ReactNode) =>
    (row: Row): React.ReactNode =>
      "side" in row ? side(row.side) : difference(row.pair);
  const time = (key: "avg_response_time" | "median_response_time") =>
    of(
      (side) => milliseconds(side[key]),
      (pair) => <Apart difference={pair[key]} write={milliseconds} />,
    );
  const level = `${count(100 * confidence)} %`;
  return [
    { title: "Model", cell: (row) => row.title, isText: true },
    { title: "# Requests", cell: of((side) => count(side.num_requests), () => NONE) },
    { title: "# Fails", cell: of((side) => count(side.num_failures), () => NONE) },
    {
      title: "Failures",
      cell: of((side) => percent(side.fail_ratio), (pair) => <Apart difference={pair.fail_ratio} write={percent} />),
    },
    { title: "Median (ms)", cell: time("median_response_time") },
    {
      title: "95%ile (ms)",
      cell: of((side) => milliseconds(side[P95]), (pair) => signed(milliseconds)(minus(pair.b[P95], pair.a[P95]))),
    },
    { title: "Average (ms)", cell: time("avg_response_time") },
    {
      title: `${level} interval`,
      cell: of(() => "", (pair) => <Interval difference={pair.avg_response_time} />),
    },
  ];
}

const P95 = "response_time_percentile_0.95";

const minus = (b: Figure, a: Figure) => (a == null || b == null ? null : b - a);

/** A difference with its interval in brackets. */
function Apart({ difference, write }: { difference: Pair["avg_response_time" | "fail_ratio"]; write: (value: Figure) => string }) {
  const { low, high } = difference;
  const sign = signed(write);
  return (
    <>
      <Box component="span" sx={{ fontWeight: 700 }}>
        {sign(difference.difference)}
      </Box>
      {low != null && high != null && (
        <Typography color="text.secondary" component="div" variant="caption">
          {sign(low)} to {sign(high)}
        </Typography>
      )}
    </>
  );
}
