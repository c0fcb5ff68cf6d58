// Locust's table of failures, with when each was last seen and where its trace is.
import { Table } from "locust-ui";

import { dateTime, NONE } from "../parts/figures";
import type { Answers } from "../server";
import type { CamelCased } from "../statistics/names";
import { useStore } from "../store";

type Failure = CamelCased<Answers["ErrorRow"]>;

const columns = [
  { key: "occurrences", title: "# Failures" },
  { key: "method", title: "Method" },
  { key: "name", title: "Name" },
  { key: "error", title: "Message" },
  { key: "firstSeen", title: "First seen", formatter: dateTime },
  { key: "lastSeen", title: "Last seen", formatter: dateTime },
];

const trace = { key: "traceId", title: "Trace", formatter: (id: string | null) => id ?? NONE };

export function Failures({ failures }: { failures: Failure[] }) {
  const hasTraces = failures.some(({ traceId }) => traceId);
  return <Table rows={failures as unknown as Record<string, string | number>[]} structure={hasTraces ? [...columns, trace] : columns} />;
}

export function FailuresTab() {
  const errors = useStore(({ ui }) => ui.errors);
  return <Failures failures={errors as Failure[]} />;
}
