// The charts: what was sent, how long it took, how many users there were, and what happened to the run.
import Box from "@mui/material/Box";
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import Typography from "@mui/material/Typography";
import { useMemo, useState } from "react";

import { Answered } from "../parts/answered";
import { Chart } from "../parts/chart";
import { Choice } from "../parts/choice";
import { zone } from "../parts/figures";
import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { useNewestRun } from "../shell/newest-run";
import { useRun } from "../shell/shown-run";
import { chartsOf, marksOf, PERCENTILES, type Percentile } from "../statistics/history";

/** The server's intervals are five seconds at first, and grow with their age. */
const OFTEN = 5_000;

export function ChartsTab() {
  const { path, every } = useRun();
  const asked = useAnswer<Answers["History"]>(`${path}stats/history`, every(OFTEN));
  const ledger = useAnswer<Answers["LedgerHistory"]>(`${path}ledger/history`, every(OFTEN));
  return (
    <Answered asked={asked} what="charts">
      {(history) => <Charts history={history} ledger={ledger.answer} />}
    </Answered>
  );
}

interface Props {
  history: Answers["History"];
  ledger: Answers["LedgerHistory"] | null;
}

const PERIODS: Record<string, number> = { "Whole run": Infinity, "Last hour": 3_600_000, "Last 10 minutes": 600_000, "Last minute": 60_000 };

const COLOURS: Record<Percentile, [string, string]> = {
  "0.5": ["#9a4b00", "#ffb74d"],
  "0.75": ["#00695c", "#4db6ac"],
  "0.9": ["#1565c0", "#64b5f6"],
  "0.95": ["#7b1fa2", "#ce93d8"],
  "0.99": ["#c2185b", "#f48fb1"],
  "1.0": ["#424242", "#bdbdbd"],
};

const nameOf = (percentile: Percentile) => (percentile === "1.0" ? "Maximum" : `${Math.round(100 * Number(percentile))}th percentile`);

function Charts({ history, ledger }: Props) {
  const { run: named } = useRun();
  const newest = useNewestRun();
  const [isLogarithmic, setLogarithmic] = useState(false);
  const [period, setPeriod] = useState("Whole run");
  const [percentiles, setPercentiles] = useState<Percentile[]>(["0.5", "0.95"]);
  const run = named ?? newest;
  const charts = useMemo(() => {
    const last = Date.parse(history.history.at(-1)?.time ?? "");
    return chartsOf(history, ledger, Number.isNaN(last) ? 0 : last - (PERIODS[period] ?? Infinity));
  }, [history, ledger, period]);
  const marks = useMemo(() => marksOf(run), [run]);
  const { times, gaps } = charts;
  const shared = { empty: "The charts begin with the first ten seconds of a run.", gaps, marks, times };
  const toggle = (percentile: Percentile) =>
    setPercentiles(percentiles.includes(percentile) ? percentiles.filter((other) => other !== percentile) : [...percentiles, percentile]);
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", justifyContent: "space-between", columnGap: 3, rowGap: 1, mb: 2 }}>
        <Typography color="text.secondary" variant="body2">
          Times are in {zone()}. Where nothing is known there is no line.
        </Typography>
        <Choice label="Period" names={Object.keys(PERIODS)} onChange={setPeriod} value={period} />
      </Box>
      <Chart
        {...shared}
        lines={[
          { name: "RPS", colours: ["#15803d", "#4ade80"], values: charts.rps },
          { name: "Failures/s", colours: ["#c62828", "#ff8a80"], values: charts.failures },
        ]}
        title="Total Requests per Second"
      />
      <Chart
        {...shared}
        controls={
          <Box aria-label="Percentiles" role="group" sx={{ display: "flex", flexWrap: "wrap", columnGap: 1 }}>
            {PERCENTILES.map((percentile) => (
              <Small
                isChecked={percentiles.includes(percentile)}
                key={percentile}
                label={percentile === "1.0" ? "max" : `p${Math.round(100 * Number(percentile))}`}
                onChange={() => toggle(percentile)}
              />
            ))}
            <Small isChecked={isLogarithmic} label="Logarithmic" onChange={() => setLogarithmic(!isLogarithmic)} />
          </Box>
        }
        isLogarithmic={isLogarithmic}
        lines={PERCENTILES.filter((percentile) => percentiles.includes(percentile)).map((percentile) => ({
          name: nameOf(percentile),
          colours: COLOURS[percentile],
          values: charts.percentile(percentile),
        }))}
        title="Response Times (ms)"
      />
      <Chart
        {...shared}
        lines={[{ name: "Number of Users", colours: ["#1565c0", "#64b5f6"], values: charts.users }]}
        title="Number of Users"
      />
    </>
  );
}

interface SmallProps {
  label: string;
  isChecked: boolean;
  onChange: () => void;
}

const Small = ({ label, isChecked, onChange }: SmallProps) => (
  <FormControlLabel
    control={<Checkbox checked={isChecked} onChange={onChange} size="small" sx={{ py: 0.25 }} />}
    label={label}
    slotProps={{ typography: { variant: "body2" } }}
  />
);
