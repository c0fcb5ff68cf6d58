// One run, at an address of its own: what it was, and the tabs of what came of it.
import ArrowBack from "@mui/icons-material/ArrowBack";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Container from "@mui/material/Container";
import Typography from "@mui/material/Typography";

import { Answered } from "../parts/answered";
import { dateTime, decimal, duration, NONE, zone } from "../parts/figures";
import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { ShownRun } from "../shell/shown-run";
import { Tabs } from "../shell/tabs";
import { go, useStore } from "../store";
import { tabsOfARun } from ".";
import { beforeReset, Parts } from "./parts";
import { RunActions, titleOf, wholeOf } from "./run-actions";

export function OpenedRun({ id }: { id: string }) {
  const asked = useAnswer<Answers["RunRow"]>(`runs/${encodeURIComponent(id)}`, 5_000);
  return (
    <>
      <Container maxWidth="xl" sx={{ pt: 2 }}>
        <Button onClick={() => go({ run: null, tab: "runs" })} startIcon={<ArrowBack />}>
          All runs
        </Button>
      </Container>
      <Answered asked={asked} what={`run ${id}`}>
        {(run) => (
          <ShownRun value={run}>
            <Container maxWidth="xl">
              <Summary onChanged={asked.again} run={run} />
              <Parts run={run} />
            </Container>
            <Tabs groups={tabsOfARun} />
          </ShownRun>
        )}
      </Answered>
    </>
  );
}

function Summary({ run, onChanged }: { run: Answers["RunRow"]; onChanged: () => void }) {
  const theme = useStore(({ isDark }) => (isDark ? "dark" : "light"));
  const facts: [string, string][] = [
    ["Run", run.id],
    ...(run.note === null ? [] : [["Note", run.note] satisfies [string, string]]),
    ["Status", run.state],
    ["Started", `${dateTime(run.started)} (${zone()})`],
    ["Ended", dateTime(run.ended)],
    ["Duration", duration(run.duration)],
    ["Run time", run.run_time === null ? "endless" : duration(run.run_time)],
    ["Users", `${run.user_count}, ${decimal(run.spawn_rate)} started a second`],
    ["Host", run.host || NONE],
    ["Workload", run.workload],
    ["Seed", run.seed],
    ["Classes", run.user_classes.join(", ")],
  ];
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center", mb: 1 }}>
        <Typography component="h1" sx={{ flex: 1, minWidth: 200 }} variant="h6">
          {titleOf(run)}
          {run.part !== null && `, ${beforeReset(run.started + run.duration)}`}
        </Typography>
        {run.part === null ? (
          <RunActions onChanged={onChanged} onDeleted={() => go({ run: null, tab: "runs" })} run={run} />
        ) : (
          <Button onClick={() => go({ run: wholeOf(run), tab: "stats" })}>The whole run</Button>
        )}
        <Button href={`./runs/${encodeURIComponent(run.id)}/stats/report?theme=${theme}`} target="_blank" variant="outlined">
          Report
        </Button>
      </Box>
      <Box
        component="dl"
        sx={{
          display: "grid",
          gridTemplateColumns: { xs: "max-content 1fr", md: "max-content 1fr max-content 1fr" },
          columnGap: 3,
          rowGap: 0.5,
          mt: 0,
          mb: 1,
        }}
      >
        {facts.map(([name, value]) => (
          <Box key={name} sx={{ display: "contents" }}>
            <Typography color="text.secondary" component="dt" variant="body2">
              {name}
            </Typography>
            <Typography component="dd" sx={{ m: 0, overflowWrap: "anywhere", whiteSpace: "pre-line" }} variant="body2">
              {value}
            </Typography>
          </Box>
        ))}
      </Box>
    </>
  );
}
