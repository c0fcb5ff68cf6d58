// How classes and tasks share the traffic.
import Box from "@mui/material/Box";

import { Answered } from "../parts/answered";
import { Section } from "../parts/section";
import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { useRun } from "../shell/shown-run";

type Ratios = Record<string, { ratio: number; tasks?: Ratios }>;

export function RatiosTab() {
  const { path, every } = useRun();
  const asked = useAnswer<Answers["Tasks"]>(`${path}tasks`, every(5_000));
  return (
    <Answered asked={asked} what="ratios">
      {({ per_class, total }) => (
        <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 320px), 1fr))" }}>
          <Section title="Ratio Per Class">
            <List ratios={per_class} />
          </Section>
          <Section title="Total Ratio">
            <List ratios={total} />
          </Section>
        </Box>
      )}
    </Answered>
  );
}

function List({ ratios }: { ratios: Ratios }) {
  if (Object.keys(ratios).length === 0) return <Box sx={{ color: "text.secondary" }}>No class runs.</Box>;
  return (
    <ul>
      {Object.entries(ratios).map(([name, { ratio, tasks }]) => (
        <li key={name}>
          {(100 * ratio).toFixed(1)}% {name}
          {tasks && Object.keys(tasks).length > 0 && <List ratios={tasks} />}
        </li>
      ))}
    </ul>
  );
}
