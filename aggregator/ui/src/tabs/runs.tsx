// Finished runs, and the one that is on: each can be opened.
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Link from "@mui/material/Link";
import { useState } from "react";

import { Answered } from "../parts/answered";
import { DataTable, type Column } from "../parts/data-table";
import { count, dateTime, decimal, duration, milliseconds, NONE, percent, zone } from "../parts/figures";
import { Section } from "../parts/section";
import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { go } from "../store";
import { PartLink } from "./parts";
import { RunActions } from "./run-actions";

type RunRow = Answers["RunRow"];

const PAGE = 25;

export function RunsTab() {
  // the first page has no run before it
  const [pages, setPages] = useState<(string | null)[]>([null]);
  const before = pages.at(-1) ?? null;
  const asked = useAnswer<Answers["RunList"]>(`runs?limit=${PAGE}${before ? `&before=${encodeURIComponent(before)}` : ""}`, 10_000);
  return (
    <Answered asked={asked} what="list of runs">
      {({ runs, next }) =>
        runs.length === 0 && pages.length === 1 ? (
          <Alert severity="info">There was no run yet.</Alert>
        ) : (
          <Section about={`Newest first. Open one for its statistics, ledger and report. Times are in ${zone()}.`} title="Runs">
            <DataTable columns={columnsOf(asked.again)} empty="There are no older runs." keyOf={(run) => run.id} label="Runs" rows={runs} />
            <Box sx={{ display: "flex", gap: 1, mt: 2 }}>
              <Button disabled={pages.length === 1} onClick={() => setPages(pages.slice(0, -1))}>
                Newer
              </Button>
              <Button disabled={next === null} onClick={() => setPages([...pages, next])}>
                Older
              </Button>
            </Box>
          </Section>
        )
      }
    </Answered>
  );
}

const columnsOf = (again: () => void): Column<RunRow>[] => [
  {
    title: "Started",
    cell: (run) => (
      <>
        <Link component="button" onClick={() => go({ run: run.id, tab: "stats" })} sx={{ textAlign: "left" }} variant="body2">
          {dateTime(run.started)
            .split(" ")
            .map((part) => (
              <span key={part} style={{ whiteSpace: "nowrap" }}>
                {part}{" "}
              </span>
            ))}
        </Link>
        {run.parts.map((part) => (
          <PartLink id={part.id} key={part.id} until={part.until} />
        ))}
      </>
    ),
    isName: true,
    isText: true,
    sortBy: (run) => run.started,
  },
  { title: "Name", cell: (run) => <span title={run.note ?? undefined}>{run.name ?? NONE}</span>, isText: true, sortBy: (run) => run.name },
  { title: "Status", cell: (run) => run.state, isText: true, sortBy: (run) => run.state },
  { title: "Duration", cell: (run) => duration(run.duration), sortBy: (run) => run.duration },
  { title: "Users", cell: (run) => count(run.user_count), sortBy: (run) => run.user_count },
  { title: "Ramp up (users/s)", cell: (run) => decimal(run.spawn_rate), sortBy: (run) => run.spawn_rate },
  { title: "Classes", cell: (run) => <span title={run.user_classes.join(", ")}>{run.user_classes.length}</span> },
  { title: "Host", cell: (run) => run.host || NONE, isText: true, sortBy: (run) => run.host },
  { title: "# Requests", cell: (run) => count(run.num_requests), sortBy: (run) => run.num_requests },
  { title: "# Fails", cell: (run) => count(run.num_failures), sortBy: (run) => run.num_failures },
  { title: "Failures", cell: (run) => percent(run.fail_ratio), sortBy: (run) => run.fail_ratio },
  { title: "Average (ms)", cell: (run) => milliseconds(run.avg_response_time), sortBy: (run) => run.avg_response_time },
  { title: "Actions", isTitleHidden: true, cell: (run) => <RunActions onChanged={again} onDeleted={again} run={run} /> },
];
