// Where the traffic stands: host, status, time, users, step of an adaptive load, requests a second, failures, thresholds.
import Box from "@mui/material/Box";
import Divider from "@mui/material/Divider";
import Typography from "@mui/material/Typography";
import type { ReactNode } from "react";

import { count, decimal, duration } from "../parts/figures";
import { isOn, useStore } from "../store";
import { LastDecision, useAdaptiveLoad } from "./adaptive";
import { Lamps, useThresholds } from "./lamps";
import { useElapsed, useRunName } from "./newest-run";

/** Locust's display, and how long the run has been on and will be. */
export function Monitor() {
  const { host, hosts, state } = useStore(({ swarm }) => swarm);
  const { failRatio, totalRps, userCount } = useStore(({ figures }) => figures);
  const time = useElapsed();
  const thresholds = useThresholds();
  const load = useAdaptiveLoad();
  const facts: [string, ReactNode][] = [["Status", state]];
  if (time) facts.push(["Elapsed", duration(time.elapsed)]);
  if (time?.remaining != null) facts.push(["Remaining", duration(time.remaining)]);
  if (isOn(state)) facts.push(["Users", count(userCount)]);
  if (load) facts.push([`Step ${load.step}`, <LastDecision key="decision" load={load} />]);
  if (state !== "ready") facts.push(["RPS", decimal(totalRps)], ["Failures", `${failRatio}%`]);
  if (state !== "ready" && thresholds.length > 0) facts.push(["Thresholds", <Lamps key="lamps" thresholds={thresholds} />]);
  const name = useRunName();
  const shown = host || hosts.join(", ");
  return (
    <Box
      sx={{
        display: "flex",
        flexDirection: { xs: "column", md: "row" },
        alignItems: { md: "center" },
        gap: { xs: 1, md: 1.5, lg: 2 },
        minWidth: 0,
        overflow: "hidden",
      }}
    >
      {name !== null && state !== "ready" && (
        <Box sx={{ minWidth: 0, maxWidth: { md: 110, xl: 240 } }} title={name}>
          <Name>Run</Name>
          <Typography noWrap sx={{ fontWeight: 500 }} variant="body2">
            {name}
          </Typography>
        </Box>
      )}
      {shown && (
        <Box sx={{ minWidth: 0, display: { md: "none", lg: "block" }, maxWidth: { lg: 200, xl: 360 } }} title={shown}>
          <Name>Host</Name>
          <Typography noWrap sx={{ fontWeight: 500 }} variant="body2">
            {shown}
          </Typography>
        </Box>
      )}
      {facts.map(([name, value]) => (
        <Box key={name} sx={{ display: "flex", gap: { xs: 1, md: 1.5, lg: 2 } }}>
          <Divider flexItem orientation="vertical" sx={{ display: { xs: "none", md: "block" }, borderColor: "currentColor", opacity: 0.3 }} />
          <Box sx={{ whiteSpace: "nowrap" }}>
            <Name>{name}</Name>
            <Typography component="div" sx={{ fontWeight: 500, fontVariantNumeric: "tabular-nums" }} variant="body2">
              {value}
            </Typography>
          </Box>
        </Box>
      ))}
    </Box>
  );
}

const Name = ({ children }: { children: string }) => (
  <Typography component="div" sx={{ lineHeight: 1.2 }} variant="caption">
    {children}
  </Typography>
);
