// A pair of models in pictures: both over time, and how their response times are distributed.
import Box from "@mui/material/Box";
import { useMemo } from "react";

import { Chart, type Gap } from "../parts/chart";
import { Histogram, SharesBelow } from "../parts/distribution";
import type { Figure } from "../parts/figures";
import type { Answers } from "../server";
import { marksOf } from "../statistics/history";

/** As many pictures beside one another as there is room for. */
export const GRID = { display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 460px), 1fr))", columnGap: 4 } as const;

const COLOURS: { a: [string, string]; b: [string, string] } = { a: ["#1565c0", "#64b5f6"], b: ["#b3541e", "#ffb74d"] };

const P95 = "response_time_percentile_0.95";

interface Props {
  charts: Answers["PairCharts"] | undefined;
  pair: Answers["Pair"];
  markers: Answers["Markers"] | null;
}

export function AbPictures({ charts, pair, markers }: Props) {
  const { marks, gaps } = useMemo(() => ({ marks: marksOf(markers), gaps: gapsOf(markers) }), [markers]);
  if (!charts) return null;
  const { name, over_time: overTime, distribution } = charts;
  const times = overTime.time.map((time) => Date.parse(time));
  const isKnown = times.map((time) => !gaps.some(({ from, to }) => time > from && time <= to));
  const known = (values: Figure[]) => values.map((value, at) => (isKnown[at] ? value : null));
  const sides = { a: pair.a.label, b: pair.b.label };
  const line = (side: "a" | "b", what: string, values: Figure[], isDashed = false) => ({
    name: `${sides[side]} ${what}`,
    colours: COLOURS[side],
    values: known(values),
    isDashed,
  });
  const points = (ratios: Figure[]) => ratios.map((ratio) => (ratio == null ? null : 100 * ratio));
  const streams = [
    { title: `${firstOf(pair).toLowerCase()} (ms)`, what: firstOf(pair).toLowerCase(), key: "avg_first_event" },
    { title: "tokens a second", what: "tokens/s", key: "tokens_per_second" },
  ] as const;
  return (
    <Box sx={{ ...GRID, mt: 3 }}>
      {times.length > 0 && (
        <>
          <Chart
            gaps={gaps}
            lines={[
              line("a", "median", overTime.a.median_response_time),
              line("b", "median", overTime.b.median_response_time),
              line("a", "95th percentile", overTime.a[P95], true),
              line("b", "95th percentile", overTime.b[P95], true),
            ]}
            marks={marks}
            times={times}
            title={`${name}: response times (ms)`}
          />
          <Chart
            gaps={gaps}
            lines={[line("a", "failures", points(overTime.a.fail_ratio)), line("b", "failures", points(overTime.b.fail_ratio))]}
            marks={marks}
            times={times}
            title={`${name}: failures (%)`}
          />
          {streams
            .filter(({ key }) => overTime.a[key] ?? overTime.b[key])
            .map(({ title, what, key }) => (
              <Chart
                gaps={gaps}
                key={key}
                lines={[line("a", what, overTime.a[key] ?? []), line("b", what, overTime.b[key] ?? [])]}
                marks={marks}
                times={times}
                title={`${name}: ${title}`}
              />
            ))}
        </>
      )}
      {distribution.response_times.length > 0 && (
        <>
          <Histogram colours={COLOURS} distribution={distribution} name={name} sides={sides} />
          <SharesBelow colours={COLOURS} distribution={distribution} name={name} sides={sides} />
        </>
      )}
    </Box>
  );
}

/** A stream's first event is a token where tokens are counted. */
export const firstOf = ({ a, b }: Answers["Pair"]) => (a.stream?.output_tokens || b.stream?.output_tokens ? "First token" : "First event");

const gapsOf = (markers: Answers["Markers"] | null): Gap[] =>
  markers?.gaps.map(({ from, to }) => ({ from: 1_000 * from, to: 1_000 * to, name: "not known" })) ?? [];
