// The tabs in their groups: what goes on, what came of it, and what the next run is made of.
import { FirstForm } from "../shell/forms";
import type { TabGroup } from "../shell/tabs";
import { AbTab } from "./ab";
import { ChartsTab } from "./charts";
import { CompareTab } from "./compare";
import { CostTab } from "./cost";
import { DownloadsTab } from "./downloads";
import { ExceptionsTab } from "./exceptions";
import { FailuresTab } from "./failures";
import { LedgerTab } from "./ledger";
import { LogsTab } from "./logs";
import { MetricsTab } from "./metrics";
import { RatiosTab } from "./ratios";
import { RunsTab } from "./runs";
import { SchedulesTab } from "./schedules";
import { StatisticsTab } from "./statistics";
import { WorkloadTab } from "./workload";

const runs = { key: "runs", title: "Runs", component: RunsTab };

const setUp: TabGroup = {
  name: "Set up",
  tabs: [
    { key: "schedules", title: "Schedules", component: SchedulesTab },
    { key: "workload", title: "Workload", component: WorkloadTab },
    { key: "cost", title: "Cost", component: CostTab },
  ],
};

const figures = [
  { key: "stats", title: "Statistics", component: StatisticsTab },
  { key: "charts", title: "Charts", component: ChartsTab },
  { key: "failures", title: "Failures", component: FailuresTab },
  { key: "exceptions", title: "Exceptions", component: ExceptionsTab },
  { key: "ratios", title: "Current Ratio", component: RatiosTab },
  { key: "metrics", title: "Metrics", component: MetricsTab },
];

const ab = { key: "ab", title: "A/B", component: AbTab };
const compare = { key: "compare", title: "Compare", component: CompareTab };
const ledger = { key: "ledger", title: "Ledger", component: LedgerTab };
const downloads = { key: "reports", title: "Download Data", component: DownloadsTab };

/** Before the first run: the form, and what there is without one. */
export const tabsBeforeTheFirstRun: TabGroup[] = [
  { name: "Start", tabs: [{ key: "new", title: "New Test", component: FirstForm }, runs] },
  setUp,
];

export const tabsOfNow: TabGroup[] = [
  { name: "Live", tabs: [...figures, { key: "logViewer", title: "Logs", component: LogsTab }] },
  { name: "Analyse", tabs: [ab, compare, ledger, runs, downloads] },
  setUp,
];

/** Of a run that the address names. */
export const tabsOfARun: TabGroup[] = [{ name: "Run", tabs: [...figures, ab, compare, ledger, downloads] }];
