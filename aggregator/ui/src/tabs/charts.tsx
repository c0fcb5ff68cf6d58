// The charts: what was sent, how long it took, how many users there were, and what happened to the run.
import Box from "@mui/material/Box";
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import Typography from "@mui/material/Typography";
import { useMemo, useState } from "react";

import { Answered } from "../parts/answered";
import { Chart } from "../parts/chart";
import { Choice } from "../parts/choice";
import { decimal, zone } from "../parts/figures";
import { useAnswer, type Asked } from "../parts/use-answer";
import type { Answers } from "../server";
import { useRun } from "../shell/shown-run";
import { chartsOf, marksOf, PERCENTILES, type Percentile } from "../statistics/history";
import { AddMarker } from "./add-marker";

/** The server's intervals are five seconds at first, and grow with their age. */
const OFTEN = 5_000;

export function ChartsTab() {
  const { path, every } = useRun();
  const [period, setPeriod] = useState("Whole run");
  const last = PERIODS[period];
  const asked = useAnswer<Answers["History"]>(`${path}stats/history?points=${POINTS}${last ? `&last=${last}` : ""}`, every(OFTEN));
  const ledger = useAnswer<Answers["LedgerHistory"]>(`${path}ledger/history`, every(OFTEN));
  const markers = useAnswer<Answers["Markers"]>(`${path}markers`, every(OFTEN));
  return (
    <Answered asked={asked} what="charts">
      {(history) => <Charts history={history} ledger={ledger.answer} markers={markers} onPeriod={setPeriod} period={period} />}
    </Answered>
  );
}

interface Props {
  history: Answers["History"];
  ledger: Answers["LedgerHistory"] | null;
  markers: Asked<Answers["Markers"]>;
  period: string;
  onPeriod: (period: string) => void;
}

/** As many as a chart has room for; the server makes one of several, with the worst of them. */
const POINTS = 600;

/** In seconds. */
const PERIODS: Record<string, number | undefined> = {
  "Whole run": undefined,
  "Last day": 86_400,
  "Last hour": 3_600,
  "Last 10 minutes": 600,
  "Last minute": 60,
};

const COLOURS: Record<Percentile, [string, string]> = {
  "0.5": ["#9a4b00", "#ffb74d"],
  "0.66": ["#5d4037", "#bcaaa4"],
  "0.75": ["#00695c", "#4db6ac"],
  "0.8": ["#33691e", "#aed581"],
  "0.9": ["#1565c0", "#64b5f6"],
  "0.95": ["#7b1fa2", "#ce93d8"],
  "0.98": ["#4527a0", "#b39ddb"],
  "0.99": ["#c2185b", "#f48fb1"],
  "0.999": ["#b71c1c", "#ef9a9a"],
  "0.9999": ["#00838f", "#80deea"],
  "1.0": ["#424242", "#bdbdbd"],
};

const inPercent = (percentile: Percentile) => decimal(100 * Number(percentile));

const nameOf = (percentile: Percentile) => (percentile === "1.0" ? "Maximum" : `${inPercent(percentile)}th percentile`);

function Charts({ history, ledger, markers: { answer: markers, again }, period, onPeriod }: Props) {
  const { run: named } = useRun();
  const [isLogarithmic, setLogarithmic] = useState(false);
  const [percentiles, setPercentiles] = useState<Percentile[]>(["0.5", "0.95"]);
  const charts = useMemo(() => {
    const last = Date.parse(history.history.at(-1)?.time ?? "");
    return chartsOf(history, ledger, Number.isNaN(last) ? 0 : last - 1_000 * (PERIODS[period] ?? Infinity));
  }, [history, ledger, period]);
  const marks = useMemo(() => marksOf(markers), [markers]);
  const { times, gaps } = charts;
  const shared = { empty: "The charts begin with the first ten seconds of a run.", gaps, marks, times };
  const toggle = (percentile: Percentile) =>
    setPercentiles(percentiles.includes(percentile) ? percentiles.filter((other) => other !== percentile) : [...percentiles, percentile]);
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", justifyContent: "space-between", columnGap: 3, rowGap: 1, mb: 2 }}>
        <Typography color="text.secondary" variant="body2">
          Times are in {zone()}. Where nothing is known there is no line. A point of more than 5 s has the percentiles, the maximum and the failures of its worst
          5 s.
        </Typography>
        {named === null && history.history.length > 0 && <AddMarker onAdded={again} />}
        <Choice label="Period" names={Object.keys(PERIODS)} onChange={onPeriod} value={period} />
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
                label={percentile === "1.0" ? "max" : `p${inPercent(percentile)}`}
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
