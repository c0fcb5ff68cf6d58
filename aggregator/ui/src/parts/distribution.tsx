// Two distributions of response times one above the other, and what share of each is below a given time.
import Box from "@mui/material/Box";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useTheme } from "@mui/material/styles";
import { useId, useState } from "react";

import type { Answers } from "../server";
import { useColour } from "./chart";
import { decimal, milliseconds, percent } from "./figures";
import { SavePicture } from "./save-picture";
import { useWidth } from "./use-width";

type Distribution = Answers["Distribution"];

interface Props {
  /** What is distributed. */
  name: string;
  distribution: Distribution;
  /** The names of both sides. */
  sides: { a: string; b: string };
  colours: { a: [string, string]; b: [string, string] };
}

const HEIGHT = 240;
const MARGIN = { left: 44, right: 8, top: 8, bottom: 24 };

const sum = (counts: number[]) => counts.reduce((sum, count) => sum + count, 0);

/** The share of requests that take no longer. */
export function shareUpTo({ response_times: times }: Distribution, counts: number[], time: number): number | null {
  const all = sum(counts);
  return all === 0 ? null : sum(counts.filter((_, at) => (times[at] ?? 0) <= time)) / all;
}

/** The histogram: the first side above the line, the second below it. */
export function Histogram({ name, distribution: { bins }, sides, colours }: Props) {
  const { palette } = useTheme();
  const colour = useColour();
  const [of_a, of_b] = [colour({ colours: colours.a }), colour({ colours: colours.b })];
  const shares = { a: bins.a.map((count) => count / (sum(bins.a) || 1)), b: bins.b.map((count) => count / (sum(bins.b) || 1)) };
  const highest = Math.max(...shares.a, ...shares.b, 1e-9);
  const half = (HEIGHT - MARGIN.top - MARGIN.bottom) / 2;
  // over whatever columns there are
  const text = { fill: palette.text.primary, fontSize: 11, paintOrder: "stroke", stroke: palette.background.default, strokeWidth: 3, textAnchor: "end" } as const;
  return (
    <Picture
      edges={bins.edges}
      label={`most of ${sides.a} around ${peak(bins.edges, bins.a)} ms, most of ${sides.b} around ${peak(bins.edges, bins.b)} ms`}
      legend={[
        { name: sides.a, colour: of_a },
        { name: sides.b, colour: of_b },
      ]}
      title={`${name}: requests by response time (ms)`}
    >
      {(x) => (
        <>
          {(["a", "b"] as const).map((side) =>
            shares[side].map((share, at) => {
              const size = ((half - 4) * share) / highest;
              return (
                <rect
                  fill={side === "a" ? of_a : of_b}
                  height={size}
                  key={`${side} ${at}`}
                  width={Math.max(x(at + 1) - x(at) - 1, 0.5)}
                  x={x(at)}
                  y={MARGIN.top + half + (side === "a" ? -1 - size : 1)}
                >
                  <title>
                    {sides[side]}: {percent(share)} take {milliseconds(bins.edges[at])} to {milliseconds(bins.edges[at + 1])} ms
                  </title>
                </rect>
              );
            }),
          )}
          <line stroke={palette.text.secondary} x1={x(0)} x2={x(bins.edges.length - 1)} y1={MARGIN.top + half} y2={MARGIN.top + half} />
          <text {...text} x={x(bins.edges.length - 1)} y={MARGIN.top + 10}>
            {sides.a}
          </text>
          <text {...text} x={x(bins.edges.length - 1)} y={MARGIN.top + 2 * half - 4}>
            {sides.b}
          </text>
        </>
      )}
    </Picture>
  );
}

/** The shares below each response time, and of one that somebody asks for. */
export function SharesBelow({ name, distribution, sides, colours }: Props) {
  const { bins } = distribution;
  const { palette } = useTheme();
  const colour = useColour();
  const of_a = colour({ colours: colours.a });
  const of_b = colour({ colours: colours.b });
  const [asked, setAsked] = useState("1000");
  const time = Number(asked);
  const isTime = asked.trim() !== "" && Number.isFinite(time) && time >= 0;
  const height = HEIGHT - MARGIN.top - MARGIN.bottom;
  const y = (share: number) => MARGIN.top + height * (1 - share);
  const said = (["a", "b"] as const).map((side) => `${sides[side]} ${percent(isTime ? shareUpTo(distribution, distribution[side], time) : null)}`).join(", ");
  return (
    <Picture
      controls={
        <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "baseline", columnGap: 1, fontSize: 14 }}>
          <TextField
            label="Share up to (ms)"
            onChange={(event) => setAsked(event.target.value)}
            size="small"
            slotProps={{ htmlInput: { inputMode: "decimal" }, inputLabel: { shrink: true } }}
            sx={{ width: 130 }}
            value={asked}
            variant="standard"
          />
          <span aria-live="polite">{said}</span>
        </Box>
      }
      edges={bins.edges}
      label={`up to ${asked} ms ${said}`}
      legend={[
        { name: sides.a, colour: of_a },
        { name: sides.b, colour: of_b },
      ]}
      title={`${name}: share below a response time (ms)`}
    >
      {(x) => (
        <>
          {[0, 0.25, 0.5, 0.75, 1].map((share) => (
            <g key={share}>
              <line stroke={palette.divider} x1={x(0)} x2={x(bins.edges.length - 1)} y1={y(share)} y2={y(share)} />
              <text dominantBaseline="middle" fill={palette.text.secondary} fontSize={11} textAnchor="end" x={MARGIN.left - 8} y={y(share)}>
                {100 * share} %
              </text>
            </g>
          ))}
          {(
            [
              [bins.a, of_a],
              [bins.b, of_b],
            ] as const
          ).map(([counts, stroke]) => {
            const all = sum(counts);
            if (all === 0) return null;
            const points = [0, ...counts].map((_, at) => `${x(at).toFixed(1)},${y(sum(counts.slice(0, at)) / all).toFixed(1)}`);
            return <polyline fill="none" key={stroke} points={points.join(" ")} stroke={stroke} strokeWidth={1.75} />;
          })}
        </>
      )}
    </Picture>
  );
}

function peak(edges: number[], counts: number[]): string {
  const at = counts.indexOf(Math.max(...counts));
  return decimal(((edges[at] ?? 0) + (edges[at + 1] ?? 0)) / 2);
}

interface PictureProps {
  title: string;
  label: string;
  legend: { name: string; colour: string }[];
  edges: number[];
  controls?: React.ReactNode;
  children: (x: (edge: number) => number) => React.ReactNode;
}

/** A picture over response times: each bin is about as wide in proportion, so all are drawn as wide. */
function Picture({ title, label, legend, edges, controls, children }: PictureProps) {
  const id = useId();
  const { palette } = useTheme();
  const { ref, element, width } = useWidth();
  const x = (edge: number) => MARGIN.left + ((width - MARGIN.left - MARGIN.right) * edge) / Math.max(edges.length - 1, 1);
  const every = Math.max(1, Math.ceil(edges.length / Math.max(2, Math.floor(width / 70))));
  return (
    <Box aria-labelledby={id} component="figure" sx={{ m: 0, mb: 4, minWidth: 0 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "baseline", columnGap: 2, mb: 0.5 }}>
        <Typography component="h3" id={id} sx={{ fontSize: 16, fontWeight: 500 }}>
          {title}
        </Typography>
        {legend.map(({ name, colour }) => (
          <Box component="span" key={name} sx={{ display: "inline-flex", alignItems: "center", gap: 0.75, fontSize: 13 }}>
            <Box aria-hidden="true" component="span" sx={{ width: 14, height: 3, borderRadius: 1, bgcolor: colour }} />
            {name}
          </Box>
        ))}
        <Box sx={{ ml: "auto" }}>
          <SavePicture legend={legend} place={element} title={title} />
        </Box>
      </Box>
      {controls}
      <Box ref={ref} sx={{ overflow: "hidden" }}>
        {width > 0 && (
          <svg aria-label={`${title}: ${label}`} height={HEIGHT} role="img" style={{ display: "block" }} width={width}>
            {children(x)}
            {edges.map((edge, at) =>
              at % every === 0 ? (
                <text fill={palette.text.secondary} fontSize={11} key={edge} textAnchor="middle" x={Math.min(x(at), width - 20)} y={HEIGHT - 6}>
                  {milliseconds(edge)}
                </text>
              ) : null,
            )}
          </svg>
        )}
      </Box>
    </Box>
  );
}
