// The statistics of every request: Locust's columns, in Locust's order, and after them those of streams if there are any.
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import Menu from "@mui/material/Menu";
import MenuItem from "@mui/material/MenuItem";
import { useState } from "react";

import { Answered } from "../parts/answered";
import { useHiddenColumns } from "../parts/columns";
import { DataTable, type Column } from "../parts/data-table";
import { count, decimal, milliseconds, type Figure } from "../parts/figures";
import { Loading } from "../parts/quiet";
import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { useRun } from "../shell/shown-run";
import { camelCased, type CamelCased } from "../statistics/names";
import { useStore } from "../store";

type Row = CamelCased<Answers["Requests"]>["stats"][number];

export function StatisticsTab() {
  return useRun().run ? <StatisticsOfRun /> : <StatisticsOfNow />;
}

function StatisticsOfNow() {
  const stats = useStore(({ figures }) => figures.stats);
  return stats.length === 0 ? <Loading what="statistics" /> : <StatsTable stats={stats} />;
}

function StatisticsOfRun() {
  return <Answered asked={useRequests()} what="statistics of this run">{(answer) => <StatsTable stats={camelCased(answer.stats)} />}</Answered>;
}

/** What Locust's API says of a run that the address names. */
export function useRequests() {
  const { path, every } = useRun();
  return useAnswer<Answers["Requests"]>(`${path}stats/requests`, every(5_000));
}

/** The rows of a run; the last one is the sum of all. */
export function StatsTable({ stats }: { stats: Row[] }) {
  const [hidden, toggle] = useHiddenColumns("statistics");
  const columns = stats.some(({ stream }) => stream) ? [...COLUMNS, ...STREAM_COLUMNS] : COLUMNS;
  return (
    <>
      <Box sx={{ display: "flex", justifyContent: "flex-end", mb: 1 }}>
        <ColumnMenu columns={columns} hidden={hidden} onToggle={toggle} />
      </Box>
      <DataTable
        columns={columns.filter(({ title }) => !hidden.has(title))}
        empty="No request was sent yet."
        isBold={isTotal}
        keyOf={({ method, name }) => `${method} ${name}`}
        label="Statistics of every request"
        rows={stats.length === 1 && stats[0]?.numRequests === 0 ? [] : stats}
      />
    </>
  );
}

const isTotal = ({ method, name }: Row) => !method && name === "Aggregated";

/** Locust's keys of percentiles have a dot, which no property in this text could have. */
const percentile = (row: Row, ratio: string) => (row as unknown as Record<string, Figure>)[`responseTimePercentile${ratio}`];

const figure = (title: string, value: (row: Row) => Figure, write: (value: Figure) => string): Column<Row> => ({
  title,
  cell: (row) => write(value(row)),
  sortBy: value,
});

const COLUMNS: Column<Row>[] = [
  { title: "Type", cell: ({ method }) => method, isText: true, isWideOnly: true, sortBy: ({ method }) => method },
  {
    title: "Name",
    cell: ({ method, name }) => (
      <>
        <Box component="span" sx={{ display: { sm: "none" }, color: "text.secondary", fontSize: 11 }}>
          {method && !name.startsWith(method) && `${method} `}
        </Box>
        {name}
      </>
    ),
    isName: true,
    isText: true,
    sortBy: ({ name }) => name,
  },
  figure("# Requests", (row) => row.numRequests, count),
  figure("# Fails", (row) => row.numFailures, count),
  figure("Median (ms)", (row) => row.medianResponseTime, milliseconds),
  figure("95%ile (ms)", (row) => percentile(row, "0.95"), milliseconds),
  figure("99%ile (ms)", (row) => percentile(row, "0.99"), milliseconds),
  figure("Average (ms)", (row) => row.avgResponseTime, milliseconds),
  figure("Min (ms)", (row) => row.minResponseTime, milliseconds),
  figure("Max (ms)", (row) => row.maxResponseTime, milliseconds),
  figure("Average size (bytes)", (row) => row.avgContentLength, count),
  figure("Current RPS", (row) => row.currentRps, decimal),
  figure("Current Failures/s", (row) => row.currentFailPerSec, decimal),
];

type Stream = NonNullable<Row["stream"]>;

/** A figure of streams; a row without any has a dash. */
const ofStream = (title: string, value: (stream: Stream) => Figure, write: (value: Figure) => string) =>
  figure(title, ({ stream }) => stream && value(stream), write);

const STREAM_COLUMNS: Column<Row>[] = [
  ofStream("First event, average (ms)", (stream) => stream.avgFirstEvent, milliseconds),
  ofStream("First event, 95%ile (ms)", (stream) => stream["firstEventPercentile0.95"], milliseconds),
  ofStream("Inter-token latency (ms)", (stream) => stream.avgInterTokenLatency, milliseconds),
  ofStream("Tokens/s", (stream) => stream.tokensPerSecond, decimal),
  ofStream("Tokens in", (stream) => stream.inputTokens, count),
  ofStream("Tokens out", (stream) => stream.outputTokens, count),
];

interface MenuProps {
  columns: Column<Row>[];
  hidden: Set<string>;
  onToggle: (title: string) => void;
}

function ColumnMenu({ columns, hidden, onToggle }: MenuProps) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  return (
    <>
      <Button aria-haspopup="menu" onClick={(event) => setAnchor(event.currentTarget)} size="small">
        Columns
      </Button>
      <Menu anchorEl={anchor} onClose={() => setAnchor(null)} open={anchor !== null}>
        {columns.filter(({ isName }) => !isName).map(({ title }) => (
          <MenuItem
            aria-checked={!hidden.has(title)}
            dense
            key={title}
            onClick={() => onToggle(title)}
            role="menuitemcheckbox"
          >
            <Checkbox
              checked={!hidden.has(title)}
              disableRipple
              size="small"
              slotProps={{ input: { "aria-hidden": true, tabIndex: -1 } }}
              sx={{ p: 0, mr: 1 }}
            />
            {title}
          </MenuItem>
        ))}
      </Menu>
    </>
  );
}
