// One run: what it was, and what came of it.
import ArrowBack from "@mui/icons-material/ArrowBack";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { tabConfig } from "locust-ui";
import { useMemo } from "react";

import { Answered } from "../parts/answered";
import { dateTime, decimal, duration, NONE } from "../parts/figures";
import { NumbersAligned } from "../parts/numbers-aligned";
import { Section } from "../parts/section";
import { useAnswer, type Asked } from "../parts/use-answer";
import type { Answers } from "../server";
import { camelCased } from "../statistics/names";
import { useStore } from "../store";
import { Comparison } from "./ab";
import { Failures } from "./failures";
import { Ledger } from "./ledger";

const StatsTable = tabConfig.stats.component.WrappedComponent;

interface Props {
  run: Answers["RunRow"];
  onClose: () => void;
}

export function OpenedRun({ run, onClose }: Props) {
  const theme = useStore(({ theme }) => (theme.isDarkMode ? "dark" : "light"));
  const path = `runs/${encodeURIComponent(run.id)}`;
  const every = run.ended === null ? 5_000 : undefined;
  const statistics = useAnswer<Answers["Requests"]>(`${path}/stats/requests`, every);
  const ledger = useAnswer<Answers["Ledger"]>(`${path}/ledger`, every);
  const ab = useAnswer<Answers["Comparison"]>(`${path}/ab`, every);
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, mb: 2 }}>
        <Button onClick={onClose} startIcon={<ArrowBack />}>
          All runs
        </Button>
        <Box sx={{ flex: 1 }} />
        <Button href={`./${path}/stats/report?theme=${theme}`} target="_blank" variant="outlined">
          Report
        </Button>
        <Button href={`./${path}/stats/requests/csv`} variant="outlined">
          Requests CSV
        </Button>
      </Box>
      <Summary run={run} />
      <Section title="Statistics">
        <Answered asked={statistics} what="statistics of this run">
          {(answer) => <Tables answer={answer} />}
        </Answered>
      </Section>
      <Answered asked={ledger} what="ledger of this run">
        {(ledger) => <Ledger ledger={ledger} />}
      </Answered>
      <Pairs asked={ab} />
    </>
  );
}

function Tables({ answer }: { answer: Answers["Requests"] }) {
  const { stats, errors } = useMemo(() => camelCased(answer), [answer]);
  return (
    <>
      <NumbersAligned>
        <StatsTable stats={stats} />
      </NumbersAligned>
      {errors.length > 0 && (
        <Box sx={{ mt: 3 }}>
          <Typography component="h3" sx={{ mb: 1 }} variant="subtitle1">
            Failures
          </Typography>
          <Failures failures={errors} />
        </Box>
      )}
    </>
  );
}

/** The comparison, where there is something to compare. */
function Pairs({ asked }: { asked: Asked<Answers["Comparison"]> }) {
  if (!asked.answer || asked.answer.pairs.length === 0) return null;
  return (
    <Section title="A/B">
      <Comparison ab={asked.answer} />
    </Section>
  );
}

function Summary({ run }: { run: Answers["RunRow"] }) {
  const facts: [string, string][] = [
    ["Run", run.id],
    ["Status", run.state],
    ["Started", dateTime(run.started)],
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
    <Box
      component="dl"
      sx={{ display: "grid", gridTemplateColumns: "max-content 1fr", columnGap: 3, rowGap: 0.5, mt: 0, mb: 4 }}
    >
      {facts.map(([name, value]) => (
        <Box key={name} sx={{ display: "contents" }}>
          <Typography color="text.secondary" component="dt" variant="body2">
            {name}
          </Typography>
          <Typography component="dd" sx={{ m: 0, overflowWrap: "anywhere" }} variant="body2">
            {value}
          </Typography>
        </Box>
      ))}
    </Box>
  );
}
