// The workload's own metrics: what it counts besides requests, and the values that it measures.
import Box from "@mui/material/Box";

import { Answered } from "../parts/answered";
import { DataTable, type Column } from "../parts/data-table";
import { count, decimal, NONE } from "../parts/figures";
import { Section } from "../parts/section";
import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { useRun } from "../shell/shown-run";

type Metric = Answers["MetricFigures"];

const value = (of: number | null | undefined) => decimal(of, 6);

const columns: Column<Metric>[] = [
  { title: "Name", cell: ({ name }) => name, isName: true, isText: true, sortBy: ({ name }) => name },
  { title: "Kind", cell: ({ kind }) => kind, isText: true, sortBy: ({ kind }) => kind },
  { title: "Unit", cell: ({ unit }) => unit || NONE, isText: true, sortBy: ({ unit }) => unit },
  { title: "Total", cell: ({ total }) => value(total), sortBy: ({ total }) => total },
  { title: "Per second", cell: (metric) => decimal(metric.per_second, 3), sortBy: (metric) => metric.per_second },
  { title: "# Values", cell: (metric) => count(metric.count), sortBy: (metric) => metric.count },
  { title: "Average", cell: ({ average }) => value(average), sortBy: ({ average }) => average ?? 0 },
  { title: "Min", cell: ({ min }) => value(min), sortBy: ({ min }) => min ?? 0 },
  { title: "Median", cell: ({ median }) => value(median), sortBy: ({ median }) => median ?? 0 },
  { title: "95%ile", cell: (metric) => value(metric["percentile_0.95"]), sortBy: (metric) => metric["percentile_0.95"] ?? 0 },
  { title: "99%ile", cell: (metric) => value(metric["percentile_0.99"]), sortBy: (metric) => metric["percentile_0.99"] ?? 0 },
  { title: "Max", cell: ({ max }) => value(max), sortBy: ({ max }) => max ?? 0 },
  { title: "# Errors", cell: ({ errors }) => <Box sx={errors > 0 ? alarming : undefined}>{count(errors)}</Box>, sortBy: ({ errors }) => errors },
];

const alarming = { color: "error.main", fontWeight: 700 };

export function MetricsTab() {
  const { path, every } = useRun();
  const asked = useAnswer<Metric[]>(`${path}custom-metrics`, every(2_000));
  return (
    <Answered asked={asked} what="metrics">
      {(metrics) => (
        <Section
          about="What the workload's requests count with `metric`. Values that could not be evaluated are errors, and the tab Exceptions says why."
          title="Custom metrics"
        >
          <DataTable
            columns={columns}
            empty={'The workload has none: write metric = { name = "Orders/Created", value = 1, when = "status == 200" } in a request.'}
            keyOf={({ name, kind, unit }) => `${name} ${kind} ${unit}`}
            label="Custom metrics"
            rows={metrics}
          />
        </Section>
      )}
    </Answered>
  );
}
