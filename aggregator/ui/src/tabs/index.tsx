// The tabs: Locust's own first, in its order, and then ours.
import { tabConfig, type ITab } from "locust-ui";

import { NumbersAligned } from "../parts/numbers-aligned";
import { Form } from "../shell/forms";
import { useStore } from "../store";
import { AbTab } from "./ab";
import { CostTab } from "./cost";
import { FailuresTab } from "./failures";
import { LedgerTab } from "./ledger";
import { RatiosTab } from "./ratios";
import { RunsTab } from "./runs";
import { SchedulesTab } from "./schedules";
import { WorkloadTab } from "./workload";

function Statistics() {
  const Table = tabConfig.stats.component;
  return (
    <NumbersAligned>
      <Table />
    </NumbersAligned>
  );
}

/** Locust's charts, which take the beginning of their time axis when they are made: another one, other charts. */
function Charts() {
  const Charts = tabConfig.charts.component;
  const begins = useStore(({ ui }) => ui.charts["time"]?.[0]);
  return <Charts key={String(begins)} />;
}

const ofTheServer: ITab[] = [
  { key: "runs", title: "Runs", component: RunsTab },
  { key: "schedules", title: "Schedules", component: SchedulesTab },
  { key: "workload", title: "Workload", component: WorkloadTab },
  { key: "cost", title: "Cost", component: CostTab },
];

/** Before the first run: the form, and what there is without one. */
export const tabsBeforeTheFirstRun: ITab[] = [{ key: "new", title: "New Test", component: Form }, ...ofTheServer];

export const tabsOfARun: ITab[] = [
  { ...tabConfig.stats, component: Statistics },
  { ...tabConfig.charts, component: Charts },
  { ...tabConfig.failures, component: FailuresTab },
  tabConfig.exceptions,
  { ...tabConfig.ratios, component: RatiosTab },
  tabConfig.reports,
  tabConfig.logs,
  { key: "ab", title: "A/B", component: AbTab },
  { key: "ledger", title: "Ledger", component: LedgerTab },
  ...ofTheServer,
];
