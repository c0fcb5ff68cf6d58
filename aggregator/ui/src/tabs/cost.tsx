// What the traffic would cost on AWS, and what the same would cost otherwise.
import Box from "@mui/material/Box";
import MenuItem from "@mui/material/MenuItem";
import Paper from "@mui/material/Paper";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useEffect, useState } from "react";

import { Answered } from "../parts/answered";
import { DataTable, type Column } from "../parts/data-table";
import { count, decimal, dollars } from "../parts/figures";
import { Section } from "../parts/section";
import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { useStore } from "../store";

/** Milliseconds after the last key until the estimate is made: it takes the server a second. */
const TYPED = 500;

export function CostTab() {
  const { numUsers } = useStore(({ swarm }) => swarm);
  const [asked, setAsked] = useState({
    users: String(numUsers > 1 ? numUsers : 50),
    hours: "24/day",
    watch_hours: "1/day",
    architecture: "x86_64",
  });
  const path = useLater(`cost?${new URLSearchParams(asked).toString()}`, TYPED);
  const estimate = useAnswer<Answers["Estimate"]>(path);
  const field = (name: keyof typeof asked, label: string) => ({
    label,
    name,
    onChange: (event: { target: { value: string } }) => setAsked({ ...asked, [name]: event.target.value }),
    size: "small" as const,
    value: asked[name],
  });
  return (
    <Section
      about="An estimate for a stage in the cloud that runs this workload. Nothing here is billed: on a machine of your own, Cicada costs nothing."
      title="Cost a month on AWS"
    >
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 2, my: 3 }}>
        <TextField {...field("users", "Number of users")} />
        <TextField {...field("hours", "Traffic (8/day, 40/week, 100/month)")} sx={{ minWidth: 280 }} />
        <TextField {...field("watch_hours", "Somebody watches")} />
        <TextField {...field("architecture", "Architecture")} id="architecture" select sx={{ minWidth: 140 }}>
          <MenuItem value="x86_64">x86_64</MenuItem>
          <MenuItem value="arm64">arm64</MenuItem>
        </TextField>
      </Box>
      <Answered asked={estimate} what="estimate of costs">
        {(cost) => <Estimate cost={cost} />}
      </Answered>
    </Section>
  );
}

function Estimate({ cost }: { cost: Answers["Estimate"] }) {
  const figures: [string, string][] = [
    ["a month", dollars(cost.usd)],
    ["per million iterations", dollars(cost.usd_per_million_iterations)],
    ["a month while it is stopped", dollars(cost.stopped_usd)],
    ["iterations a month", count(cost.iterations)],
    ["requests a month", count(cost.requests)],
  ];
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1.5, mb: 3 }}>
        {figures.map(([name, figure]) => (
          <Paper key={name} sx={{ minWidth: 140, px: 2, py: 1 }} variant="outlined">
            <Typography component="div" sx={{ fontVariantNumeric: "tabular-nums" }} variant="h5">
              {figure}
            </Typography>
            <Typography color="text.secondary" variant="body2">
              {name}
            </Typography>
          </Paper>
        ))}
      </Box>
      <Section about={`Prices of ${cost.prices}, ${cost.region}.`} title="What it is made of">
        <DataTable columns={lines} empty="Nothing is paid for." keyOf={({ service, item }) => `${service} ${item}`} label="What the cost is made of" rows={cost.lines} />
      </Section>
      <Section title="The same traffic otherwise">
        <DataTable columns={alternatives} empty="" keyOf={({ name }) => name} label="The same traffic otherwise" rows={cost.alternatives} />
      </Section>
    </>
  );
}

const lines: Column<Answers["Line"]>[] = [
  { title: "Service", cell: (line) => line.service, isText: true },
  { title: "Item", cell: (line) => line.item, isText: true },
  { title: "Quantity", cell: (line) => (line.quantity < 10 ? decimal(line.quantity) : count(line.quantity)) },
  { title: "Unit", cell: (line) => line.unit, isText: true },
  { title: "USD a month", cell: (line) => dollars(line.usd) },
];

const alternatives: Column<Answers["Alternative"]>[] = [
  { title: "How", cell: ({ name }) => name, isText: true },
  { title: "USD a month", cell: ({ usd }) => dollars(usd) },
];

/** A value once it has stayed the same for a while; the first one at once. */
function useLater<T>(value: T, after: number): T {
  const [later, setLater] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setLater(value), after);
    return () => clearTimeout(timer);
  }, [value, after]);
  return later;
}
