// A difference as a picture: the interval as a bar, zero as a line.
import { useTheme } from "@mui/material/styles";

import type { Answers } from "../server";

interface Props {
  difference: Answers["Pair"]["avg_response_time"];
}

const WIDTH = 160;
const HEIGHT = 20;

/** Whether the bar crosses the line is whether the difference means anything. */
export function Interval({ difference: { difference, low, high } }: Props) {
  const { palette } = useTheme();
  if (difference == null || low == null || high == null) return null;
  const reach = 1.15 * Math.max(Math.abs(low), Math.abs(high)) || 1;
  const x = (value: number) => (WIDTH / 2) * (1 + value / reach);
  const isClear = low > 0 || high < 0;
  const colour = !isClear ? palette.text.secondary : low > 0 ? palette.error.main : palette.success.main;
  return (
    <svg aria-hidden="true" height={HEIGHT} style={{ verticalAlign: "middle" }} width={WIDTH}>
      <line stroke={palette.divider} x1={0} x2={WIDTH} y1={HEIGHT / 2} y2={HEIGHT / 2} />
      <line stroke={palette.text.primary} x1={WIDTH / 2} x2={WIDTH / 2} y1={1} y2={HEIGHT - 1} />
      <rect fill={colour} fillOpacity={0.5} height={8} rx={2} width={Math.max(x(high) - x(low), 2)} x={x(low)} y={HEIGHT / 2 - 4} />
      <circle cx={x(difference)} cy={HEIGHT / 2} fill={colour} r={4} />
    </svg>
  );
}
