// The presenter's view, `/?view=wall`: few figures, large and dark, one model beside the other, and nothing to click.
import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";

import { count, decimal, duration, milliseconds, NONE, percent } from "./parts/figures";
import { Loading } from "./parts/quiet";
import { useAnswer } from "./parts/use-answer";
import type { Answers } from "./server";
import { useElapsed } from "./shell/newest-run";
import type { Silence } from "./statistics/poll";
import { useStore } from "./store";

const BIG = "clamp(2.5rem, 6vw, 6rem)";
const MIDDLE = "clamp(1.5rem, 3vw, 3rem)";
const SMALL = "clamp(0.9rem, 1.4vw, 1.5rem)";

export function Wall({ silence }: { silence: Silence | null }) {
  const state = useStore(({ swarm }) => swarm.state);
  const { failRatio, p95, totalRps, userCount } = useStore(({ figures }) => figures);
  const time = useElapsed();
  const ab = useAnswer<Answers["Comparison"]>("ab", 5_000);
  const pairs = ab.answer?.pairs ?? [];
  return (
    <Box component="main" sx={{ minHeight: "100vh", p: "3vw", display: "flex", flexDirection: "column", gap: "3vw" }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", justifyContent: "space-between", columnGap: 4, fontSize: SMALL, color: "text.secondary" }}>
        <Typography component="h1" sx={{ font: "inherit", fontWeight: 700, letterSpacing: 2, color: "primary.main" }}>
          CICADA
        </Typography>
        <Box role="status">{silence ? `${silence.message} The figures are old.` : [state, time && duration(time.elapsed)].filter(Boolean).join(", ")}</Box>
      </Box>
      <Box sx={{ display: "grid", gap: "2vw", gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, max(8rem, 18vw)), 1fr))" }}>
        <Big name="users" value={count(userCount)} />
        <Big name="requests a second" value={decimal(Math.round(10 * totalRps) / 10)} />
        <Big isBad={failRatio > 0} name="failures" value={`${failRatio} %`} />
        <Big name="95 of 100 within (ms)" value={milliseconds(p95)} />
      </Box>
      {ab.answer === null && !silence && <Loading what="comparison of models" />}
      {pairs.length > 0 && state !== "ready" && (
        <Box sx={{ display: "grid", gap: "2vw", gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, max(20rem, 26vw)), 1fr))" }}>
          {pairs.map((pair) => (
            <Pair key={`${pair.method} ${pair.name}`} pair={pair} />
          ))}
        </Box>
      )}
      {state === "ready" && <Box sx={{ fontSize: MIDDLE }}>No run was started yet.</Box>}
    </Box>
  );
}

interface BigProps {
  name: string;
  value: string;
  isBad?: boolean;
}

const Big = ({ name, value, isBad = false }: BigProps) => (
  <Box sx={{ minWidth: 0 }}>
    <Box sx={{ fontSize: BIG, fontWeight: 500, lineHeight: 1.1, fontVariantNumeric: "tabular-nums", color: isBad ? "error.main" : undefined }}>
      {value}
    </Box>
    <Box sx={{ fontSize: SMALL, color: "text.secondary" }}>{name}</Box>
  </Box>
);

function Pair({ pair }: { pair: Answers["Pair"] }) {
  return (
    <Box component="section" sx={{ border: 1, borderColor: "divider", borderRadius: 2, p: "1.5vw" }}>
      <Typography component="h2" sx={{ fontSize: SMALL, color: "text.secondary" }}>
        {pair.method} {pair.name}
      </Typography>
      <Box sx={{ display: "grid", gridTemplateColumns: "1fr 1fr", gap: "1.5vw", my: 1 }}>
        <Model side={pair.a} />
        <Model side={pair.b} />
      </Box>
      <Box sx={{ fontSize: SMALL }}>{pair.verdict}</Box>
    </Box>
  );
}

const Model = ({ side }: { side: Answers["Side"] }) => (
  <Box sx={{ minWidth: 0 }}>
    <Box sx={{ fontSize: SMALL, fontWeight: 700, overflowWrap: "anywhere" }}>{side.label}</Box>
    <Box sx={{ fontSize: MIDDLE, fontVariantNumeric: "tabular-nums", lineHeight: 1.2 }}>
      {side.num_requests === 0 ? NONE : milliseconds(side.avg_response_time)}
    </Box>
    <Box sx={{ fontSize: SMALL, color: "text.secondary" }}>{side.num_requests === 0 ? "no request" : "ms on average"}</Box>
    {side.num_requests > 0 && <Box sx={{ fontSize: SMALL, color: "text.secondary" }}>{percent(side.fail_ratio)} failed</Box>}
    {side.stream && (
      <Box sx={{ fontSize: SMALL, color: "text.secondary" }}>
        {milliseconds(side.stream.avg_first_event)} ms to the first {side.stream.output_tokens > 0 ? "token" : "event"}
        {side.stream.tokens_per_second != null && `, ${decimal(side.stream.tokens_per_second)} tokens a second`}
      </Box>
    )}
  </Box>
);
