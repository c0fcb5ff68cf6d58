// Finished runs, and the one that is on: each can be opened.
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Link from "@mui/material/Link";
import { useState } from "react";

import { Answered } from "../parts/answered";
import { DataTable, type Column } from "../parts/data-table";
import { count, dateTime, decimal, duration, milliseconds, NONE, percent } from "../parts/figures";
import { Section } from "../parts/section";
import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { OpenedRun } from "./opened-run";

type RunRow = Answers["RunRow"];

const PAGE = 25;

export function RunsTab() {
  // the first page has no run before it
  const [pages, setPages] = useState<(string | null)[]>([null]);
  const [opened, setOpened] = useState<RunRow | null>(null);
  const before = pages.at(-1) ?? null;
  const asked = useAnswer<Answers["RunList"]>(`runs?limit=${PAGE}${before ? `&before=${encodeURIComponent(before)}` : ""}`, 10_000);
  if (opened) return <OpenedRun onClose={() => setOpened(null)} run={opened} />;
  return (
    <Answered asked={asked} what="list of runs">
      {({ runs, next }) =>
        runs.length === 0 && pages.length === 1 ? (
          <Alert severity="info">There was no run yet.</Alert>
        ) : (
          <Section about="Newest first. Open one for its statistics, ledger and report." title="Runs">
            <DataTable columns={columns(setOpened)} empty="There are no older runs." keyOf={(run) => run.id} rows={runs} />
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

function columns(open: (run: RunRow) => void): Column<RunRow>[] {
  return [
    {
      title: "Started",
      cell: (run) => (
        <Link component="button" onClick={() => open(run)} sx={{ textAlign: "left", whiteSpace: "nowrap" }} variant="body2">
          {dateTime(run.started)}
        </Link>
      ),
      isText: true,
    },
    { title: "Status", cell: (run) => run.state, isText: true },
    { title: "Duration", cell: (run) => duration(run.duration) },
    { title: "Users", cell: (run) => count(run.user_count) },
    { title: "Ramp up (users/s)", cell: (run) => decimal(run.spawn_rate) },
    { title: "Classes", cell: (run) => <span title={run.user_classes.join(", ")}>{run.user_classes.length}</span> },
    { title: "Host", cell: (run) => run.host || NONE, isText: true },
    { title: "# Requests", cell: (run) => count(run.num_requests) },
    { title: "# Fails", cell: (run) => count(run.num_failures) },
    { title: "Failures", cell: (run) => percent(run.fail_ratio) },
    { title: "Average (ms)", cell: (run) => milliseconds(run.avg_response_time) },
  ];
}
