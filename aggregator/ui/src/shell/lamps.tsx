// The thresholds of the run as lamps: green while one holds, red when it fails, grey before the first request.
import Box from "@mui/material/Box";

import { decimal } from "../parts/figures";
import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { isOn, useStore } from "../store";

type Judged = Answers["Judged"];

const OFTEN = 5_000;
const SELDOM = 60_000;

/** The verdicts on the thresholds of the newest run; none without any. */
export function useThresholds(): Judged[] {
  const state = useStore(({ swarm }) => swarm.state);
  const { answer } = useAnswer<Judged[]>("thresholds", isOn(state) ? OFTEN : SELDOM);
  return answer ?? [];
}

/** A lamp for each threshold, and how many hold. */
export function Lamps({ thresholds }: { thresholds: Judged[] }) {
  const holding = thresholds.filter(({ holds }) => holds).length;
  return (
    <Box component="span" sx={{ display: "inline-flex", alignItems: "center", gap: 0.5 }}>
      {thresholds.slice(0, MOST).map((judged) => (
        <Box
          aria-label={said(judged)}
          component="span"
          key={judged.threshold}
          role="img"
          sx={{ width: 12, height: 12, borderRadius: "50%", border: "1px solid #fff", bgcolor: colour(judged) }}
          title={said(judged)}
        />
      ))}
      <span>
        {holding} of {thresholds.length} hold
      </span>
    </Box>
  );
}

/** More lamps than this would push the rest out of the bar. */
const MOST = 6;

const colour = ({ value, holds }: Judged) => (value === null ? "#9e9e9e" : holds ? "#4caf50" : "#f44336");

function said({ threshold, value, holds }: Judged): string {
  if (value === null) return `${threshold}: no request yet`;
  return `${threshold}: ${holds ? "holds" : "fails"}, it is ${decimal(value, 4)}`;
}
