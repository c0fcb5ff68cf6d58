// The parts of a run that resets have ended, each to be opened as a run is.
import Link from "@mui/material/Link";

import { DataTable, type Column } from "../parts/data-table";
import { count, dateTime, decimal, milliseconds, percent, zone } from "../parts/figures";
import { Section } from "../parts/section";
import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { go } from "../store";

type RunRow = Answers["RunRow"];
type Part = Answers["RunPart"];

export const beforeReset = (until: number) => `before the reset of ${dateTime(until)}`;

interface LinkProps {
  id: string;
  until: number;
}

export const PartLink = ({ id, until }: LinkProps) => (
  <Link component="button" onClick={() => go({ run: id, tab: "stats" })} sx={{ textAlign: "left", display: "block" }} variant="body2">
    {beforeReset(until)}
  </Link>
);

/** With their figures; nothing of a run that was never reset. */
export function Parts({ run }: { run: RunRow }) {
  const path = run.parts.length > 0 ? `runs/${encodeURIComponent(run.id)}/parts` : null;
  const { answer } = useAnswer<Answers["RunParts"]>(path, 10_000);
  if (!answer || answer.parts.length === 0) return null;
  return (
    <Section about={`What was counted before a reset stays here. Times are in ${zone()}.`} title="Before the resets">
      <DataTable columns={columnsOf(run)} empty="" keyOf={({ number }) => String(number)} label="Before the resets" rows={answer.parts} />
    </Section>
  );
}

const columnsOf = (run: RunRow): Column<Part>[] => [
  { title: "Part", cell: ({ number, until }) => <PartLink id={`${run.id}.${number}`} until={until} />, isName: true, isText: true },
  { title: "From", cell: ({ from }) => dateTime(from), isText: true },
  { title: "# Requests", cell: (part) => count(part.num_requests) },
  { title: "# Fails", cell: (part) => count(part.num_failures) },
  { title: "Failures", cell: (part) => percent(part.num_failures / Math.max(1, part.num_requests)) },
  { title: "Median (ms)", cell: (part) => milliseconds(part.median_response_time) },
  { title: "95%ile (ms)", cell: (part) => milliseconds(part["response_time_percentile_0.95"]) },
  { title: "Average (ms)", cell: (part) => milliseconds(part.avg_response_time) },
  { title: "RPS", cell: (part) => decimal(part.total_rps) },
];
