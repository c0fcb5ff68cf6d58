// The step of an adaptive load, and the decision that led to it.
import Box from "@mui/material/Box";

import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { isOn, useStore } from "../store";

type AdaptiveLoad = Answers["AdaptiveLoad"];

const OFTEN = 5_000;
const SELDOM = 60_000;

/** The adaptive load of the newest run; null where users do not depend on results. */
export function useAdaptiveLoad(): AdaptiveLoad | null {
  const { state, hideCommonOptions } = useStore(({ swarm }) => swarm);
  // only a run with a shape may have one
  const { answer } = useAnswer<Answers["Ledger"]>(hideCommonOptions ? "ledger" : null, isOn(state) ? OFTEN : SELDOM);
  return answer?.adaptive ?? null;
}

/** Why there are as many users as there are; all decisions where the pointer rests. */
export function LastDecision({ load }: { load: AdaptiveLoad }) {
  const decisions = load.decisions.map(({ reason }) => reason);
  const last = load.waits ?? decisions.at(-1) ?? `${load.users} users`;
  return (
    <Box
      component="span"
      sx={{ display: "block", maxWidth: { xs: "80vw", md: 160, lg: 200, xl: 420 }, overflow: "hidden", textOverflow: "ellipsis" }}
      title={[...decisions, ...(load.waits ? [load.waits] : [])].join("\n")}
    >
      {last}
    </Box>
  );
}
