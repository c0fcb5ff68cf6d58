// Differences as intervals on one scale, one below the other: whether a bar crosses the line is whether it means anything.
import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { useTheme } from "@mui/material/styles";
import { useId } from "react";

import { decimal, type Figure } from "./figures";
import { SavePicture } from "./save-picture";
import { steps } from "./scale";
import { useWidth } from "./use-width";

export interface Range {
  name: string;
  difference: Figure;
  low: Figure;
  high: Figure;
  /** The figures in words. */
  text: string;
}

interface Props {
  title: string;
  unit: string;
  ranges: Range[];
}

const ROW = 40;
const FOOT = 26;
const MARGIN = 24;

export function OneScale({ title, unit, ranges }: Props) {
  const id = useId();
  const { ref, element, width } = useWidth();
  const { palette } = useTheme();
  const known = ranges.flatMap(({ difference, low, high }) => [difference, low, high]).filter((value) => value != null);
  const { from, to, ticks } = steps(Math.min(0, ...known), Math.max(0, ...known), width > 700 ? 8 : 4);
  const x = (value: number) => MARGIN + ((width - 2 * MARGIN) * (value - from)) / (to - from);
  const height = ROW * ranges.length + FOOT;
  const text = { fill: palette.text.secondary, fontSize: 11 };
  // words stay readable where a line crosses them
  const over = { paintOrder: "stroke", stroke: palette.background.default, strokeWidth: 4 };
  return (
    <Box aria-labelledby={id} component="figure" sx={{ m: 0, mb: 3, minWidth: 0 }}>
      <Box sx={{ display: "flex", alignItems: "baseline", mb: 0.5 }}>
        <Typography component="h3" id={id} sx={{ fontSize: 16, fontWeight: 500, flex: 1 }}>
          {title}
        </Typography>
        <SavePicture legend={[]} place={element} title={title} />
      </Box>
      <Box ref={ref} sx={{ overflow: "hidden" }}>
        {width > 0 && (
          <svg aria-label={`${title}: ${ranges.map(({ name, text }) => `${name} ${text}`).join("; ")}`} height={height} role="img" style={{ display: "block" }} width={width}>
            {ticks.map((tick) => (
              <g key={tick}>
                <line
                  stroke={tick === 0 ? palette.text.primary : palette.divider}
                  x1={x(tick)}
                  x2={x(tick)}
                  y1={0}
                  y2={height - FOOT}
                />
                <text {...text} textAnchor="middle" x={x(tick)} y={height - 10}>
                  {tick > 0 ? "+" : ""}
                  {decimal(tick).replace("-", "−")}
                  {tick === 0 ? ` ${unit}` : ""}
                </text>
              </g>
            ))}
            {ranges.map(({ name, difference, low, high, text: words }, at) => {
              const isClear = low != null && high != null && (low > 0 || high < 0);
              const colour = !isClear ? palette.text.secondary : (low ?? 0) > 0 ? palette.error.main : palette.success.main;
              const top = ROW * at;
              return (
                <g data-range={name} key={name}>
                  <text {...over} fill={palette.text.primary} fontSize={12} x={0} y={top + 13}>
                    {shortened(name, width)}
                  </text>
                  <text {...text} {...over} textAnchor="end" x={width} y={top + 13}>
                    {words}
                  </text>
                  {low != null && high != null && (
                    <rect fill={colour} fillOpacity={0.4} height={10} rx={2} width={Math.max(x(high) - x(low), 2)} x={x(low)} y={top + 21} />
                  )}
                  {difference != null && (
                    <circle cx={x(difference)} cy={top + 26} fill={low == null ? "none" : colour} r={5} stroke={colour} strokeWidth={1.5} />
                  )}
                </g>
              );
            })}
          </svg>
        )}
      </Box>
    </Box>
  );
}

function shortened(name: string, width: number): string {
  const most = Math.max(12, Math.floor(width / 7) - 34);
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}
