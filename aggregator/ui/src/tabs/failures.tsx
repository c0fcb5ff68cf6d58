// What failed, with when each was last seen and where its trace is.
import { Answered } from "../parts/answered";
import { DataTable, type Column } from "../parts/data-table";
import { count, dateTime } from "../parts/figures";
import { Loading } from "../parts/quiet";
import { Trace } from "../parts/trace";
import type { Answers } from "../server";
import { useRun } from "../shell/shown-run";
import { camelCased, type CamelCased } from "../statistics/names";
import { useStore } from "../store";
import { useRequests } from "./statistics";

type Failure = CamelCased<Answers["ErrorRow"]>;

const columns: Column<Failure>[] = [
  { title: "# Failures", cell: ({ occurrences }) => count(occurrences), sortBy: ({ occurrences }) => occurrences },
  { title: "Method", cell: ({ method }) => method, isText: true, sortBy: ({ method }) => method },
  { title: "Name", cell: ({ name }) => name, isText: true, sortBy: ({ name }) => name },
  { title: "Message", cell: ({ error }) => error, isText: true, sortBy: ({ error }) => error },
  { title: "First seen", cell: ({ firstSeen }) => dateTime(firstSeen), isText: true, sortBy: ({ firstSeen }) => firstSeen },
  { title: "Last seen", cell: ({ lastSeen }) => dateTime(lastSeen), isText: true, sortBy: ({ lastSeen }) => lastSeen },
];

const trace: Column<Failure> = { title: "Trace", cell: ({ traceId }) => <Trace id={traceId ?? null} />, isText: true };

function Failures({ failures }: { failures: Failure[] }) {
  const hasTraces = failures.some(({ traceId }) => traceId);
  return (
    <DataTable
      columns={hasTraces ? [...columns, trace] : columns}
      empty="Nothing has failed."
      keyOf={({ method, name, error }) => `${method} ${name} ${error}`}
      label="Failures"
      rows={failures}
    />
  );
}

export function FailuresTab() {
  return useRun().run ? <FailuresOfRun /> : <FailuresOfNow />;
}

function FailuresOfNow() {
  const { errors, stats } = useStore(({ figures }) => figures);
  return stats.length === 0 ? <Loading what="failures" /> : <Failures failures={errors} />;
}

function FailuresOfRun() {
  return <Answered asked={useRequests()} what="failures of this run">{({ errors }) => <Failures failures={camelCased(errors)} />}</Answered>;
}
