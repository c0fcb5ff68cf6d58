// Lines over time, as a picture with a name and a table behind it. Where nothing is known there is no line.
import Box from "@mui/material/Box";
import ButtonBase from "@mui/material/ButtonBase";
import Typography from "@mui/material/Typography";
import { useTheme } from "@mui/material/styles";
import { useId, useMemo, useState, type PointerEvent, type ReactNode } from "react";

import { DataTable, type Column } from "./data-table";
import { dateTime, decimal, zone, type Figure } from "./figures";
import { SavePicture } from "./save-picture";
import { instant, linear, logarithmic, temporal } from "./scale";
import { useWidth } from "./use-width";

export interface Line {
  name: string;
  /** By day and by night. */
  colours: [string, string];
  isDashed?: boolean;
  /** A value for each of the chart's instants; null where none is known. */
  values: Figure[];
}

/** Something happened then. */
export interface Mark {
  at: number;
  name: string;
}

/** Nothing is known of what was between two instants. */
export interface Gap {
  from: number;
  to: number;
  name: string;
}

interface Props {
  title: string;
  /** Milliseconds since the epoch, in order. */
  times: number[];
  lines: Line[];
  marks?: Mark[];
  gaps?: Gap[];
  isLogarithmic?: boolean;
  /** What there is to choose about it. */
  controls?: ReactNode;
  empty?: string;
}

/** Milliseconds before the first reading that a chart begins, if something happened then. */
const EARLIER = 15_000;
const HEIGHT = 240;
const MARGIN = { left: 52, right: 12, top: 18, bottom: 24 };

export function Chart({ title, times, lines, marks = [], gaps = [], isLogarithmic = false, controls, empty = "Nothing is known yet." }: Props) {
  const id = useId();
  const colour = useColour();
  const { ref, element, width } = useWidth();
  const [hidden, setHidden] = useState(new Set<string>());
  const shown = lines.filter(({ name }) => !hidden.has(name));
  function toggle(name: string) {
    const changed = new Set(hidden);
    if (!changed.delete(name)) changed.add(name);
    setHidden(changed);
  }
  return (
    <Box aria-labelledby={id} component="figure" sx={{ m: 0, mb: 4 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "baseline", columnGap: 2, mb: 0.5 }}>
        <Typography component="h2" id={id} sx={{ fontSize: 16, fontWeight: 500 }}>
          {title}
        </Typography>
        <Legend hidden={hidden} lines={lines} onToggle={toggle} />
        {times.length > 0 && (
          <Box sx={{ ml: "auto" }}>
            <SavePicture legend={shown.map((line) => ({ name: line.name, colour: colour(line) }))} place={element} title={title} />
          </Box>
        )}
      </Box>
      {controls}
      {times.length === 0 ? (
        <Typography color="text.secondary" variant="body2">
          {empty}
        </Typography>
      ) : (
        <>
          <Picture
            gaps={gaps}
            isLogarithmic={isLogarithmic}
            lines={shown}
            marks={marks}
            place={ref}
            times={times}
            title={title}
            width={width}
          />
          <Figures lines={lines} times={times} title={title} />
        </>
      )}
    </Box>
  );
}

/** A line's colour as the page is now. */
export const useColour = () => {
  const isDark = useTheme().palette.mode === "dark";
  return ({ colours: [day, night] }: Pick<Line, "colours">) => (isDark ? night : day);
};

interface LegendProps {
  lines: Line[];
  hidden: Set<string>;
  onToggle: (name: string) => void;
}

function Legend({ lines, hidden, onToggle }: LegendProps) {
  const colour = useColour();
  return (
    <Box sx={{ display: "flex", flexWrap: "wrap", columnGap: 1.5 }}>
      {lines.map((line) => (
        <ButtonBase
          aria-pressed={!hidden.has(line.name)}
          key={line.name}
          onClick={() => onToggle(line.name)}
          sx={{
            gap: 0.75,
            py: 0.5,
            fontSize: 13,
            textDecoration: hidden.has(line.name) ? "line-through" : "none",
            "&:focus-visible": { outline: 2, outlineStyle: "solid" },
          }}
        >
          <Box aria-hidden="true" component="span" sx={{ width: 16, borderTop: 3, borderTopStyle: line.isDashed ? "dashed" : "solid", borderColor: colour(line) }} />
          {line.name}
        </ButtonBase>
      ))}
    </Box>
  );
}

interface PictureProps extends Required<Omit<Props, "controls" | "empty">> {
  place: (element: HTMLDivElement | null) => void;
  width: number;
}

function Picture({ title, times, lines, marks, gaps, isLogarithmic, place, width }: PictureProps) {
  const { palette } = useTheme();
  const colour = useColour();
  const [pointed, setPointed] = useState<number | null>(null);

  const inner = { width: Math.max(width - MARGIN.left - MARGIN.right, 1), height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const begins = times[0] ?? 0;
  // the first interval ends some seconds after the start
  const just = marks.map(({ at }) => at).filter((at) => at > begins - EARLIER);
  const first = Math.min(begins, ...gaps.map(({ from }) => from), ...just);
  const last = Math.max(times.at(-1) ?? 0, ...gaps.map(({ to }) => to));
  const x = temporal(first, last, inner.width, 90);
  const values = lines.flatMap((line) => line.values).filter((value) => value != null);
  const highest = values.reduce((one, other) => Math.max(one, other), 0);
  const lowest = values.reduce((one, other) => (other > 0 ? Math.min(one, other) : one), highest);
  const y = isLogarithmic ? logarithmic(lowest, highest, inner.height) : linear(highest, inner.height);
  const text = { fill: palette.text.secondary, fontSize: 11 };

  function point(event: PointerEvent<SVGSVGElement>) {
    const at = event.clientX - event.currentTarget.getBoundingClientRect().left - MARGIN.left;
    const distance = (number: number) => Math.abs(x.at(times[number] ?? 0) - at);
    setPointed(times.reduce((best, _, number) => (distance(number) < distance(best) ? number : best), 0));
  }

  return (
    <Box ref={place} sx={{ position: "relative", minWidth: 0, overflow: "hidden" }}>
      {width > 0 && (
        <svg
          aria-label={`${title}: ${spoken(lines, times)}`}
          height={HEIGHT}
          onPointerLeave={() => setPointed(null)}
          onPointerMove={point}
          role="img"
          style={{ display: "block", touchAction: "pan-y" }}
          width={width}
        >
          <g transform={`translate(${MARGIN.left} ${MARGIN.top})`}>
            {gaps.map((gap) => (
              <g data-gap={gap.name} key={gap.from}>
                <rect
                  fill={palette.text.primary}
                  fillOpacity={0.1}
                  height={inner.height}
                  width={Math.max(2, x.at(gap.to) - x.at(gap.from))}
                  x={x.at(gap.from)}
                />
                {x.at(gap.to) - x.at(gap.from) > 60 && (
                  <text {...text} textAnchor="middle" x={(x.at(gap.from) + x.at(gap.to)) / 2} y={inner.height / 2}>
                    {gap.name}
                  </text>
                )}
              </g>
            ))}
            {y.ticks.map((tick) => (
              <g key={tick}>
                <line stroke={palette.divider} x2={inner.width} y1={y.at(tick)} y2={y.at(tick)} />
                <text {...text} dominantBaseline="middle" textAnchor="end" x={-8} y={y.at(tick)}>
                  {decimal(tick)}
                </text>
              </g>
            ))}
            {x.ticks.map((tick) => (
              <text {...text} key={tick} textAnchor="middle" x={Math.min(x.at(tick), inner.width - 16)} y={inner.height + 18}>
                {instant(tick, x.step)}
              </text>
            ))}
            {marks
              .filter(({ at }) => at >= first && at <= last)
              .map((mark) => (
                <g data-mark={mark.name} key={`${mark.name} ${mark.at}`}>
                  <line stroke={palette.text.secondary} strokeDasharray="3 3" x1={x.at(mark.at)} x2={x.at(mark.at)} y2={inner.height} />
                  <text
                    {...text}
                    textAnchor={x.at(mark.at) > inner.width - 60 ? "end" : x.at(mark.at) < 60 ? "start" : "middle"}
                    x={x.at(mark.at)}
                    y={-6}
                  >
                    {mark.name}
                  </text>
                </g>
              ))}
            {lines.map((line) =>
              stretches(line.values).map(([from, to]) => {
                const points = times.slice(from, to).map((time, number) => [x.at(time), y.at(line.values[from + number] ?? 0)] as const);
                return to - from === 1 ? (
                  <circle cx={points[0]?.[0]} cy={points[0]?.[1]} fill={colour(line)} key={`${line.name} ${from}`} r={2} />
                ) : (
                  <polyline
                    fill="none"
                    key={`${line.name} ${from}`}
                    points={points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ")}
                    stroke={colour(line)}
                    strokeDasharray={line.isDashed ? "5 4" : undefined}
                    strokeLinejoin="round"
                    strokeWidth={1.75}
                  />
                );
              }),
            )}
            {pointed !== null && times[pointed] !== undefined && (
              <line stroke={palette.text.primary} x1={x.at(times[pointed])} x2={x.at(times[pointed])} y2={inner.height} />
            )}
          </g>
        </svg>
      )}
      {pointed !== null && times[pointed] !== undefined && <Readout at={pointed} isLeft={x.at(times[pointed]) > inner.width / 2} lines={lines} times={times} />}
    </Box>
  );
}

/** From which value up to which there is a line. */
function stretches(values: Figure[]): [number, number][] {
  const found: [number, number][] = [];
  let from: number | null = null;
  values.forEach((value, at) => {
    const isKnown = value != null;
    if (from !== null && !isKnown) {
      found.push([from, at]);
      from = null;
    }
    if (isKnown && from === null) from = at;
  });
  if (from !== null) found.push([from, values.length]);
  return found;
}

/** What somebody hears in place of the picture. */
function spoken(lines: Line[], times: number[]): string {
  const from = dateTime((times[0] ?? 0) / 1_000);
  const last = (values: Figure[]) => decimal(values.findLast((value) => value != null));
  return `from ${from}, ${lines.map(({ name, values }) => `${name} ${last(values)} at the end`).join(", ")}`;
}

interface ReadoutProps {
  at: number;
  lines: Line[];
  times: number[];
  /** Beside the pointer, on the side where there is room. */
  isLeft: boolean;
}

function Readout({ at, lines, times, isLeft }: ReadoutProps) {
  return (
    <Box
      data-readout
      sx={{
        position: "absolute",
        top: MARGIN.top + 8,
        ...(isLeft ? { left: MARGIN.left + 8 } : { right: MARGIN.right + 8 }),
        p: 1,
        fontSize: 12,
        fontVariantNumeric: "tabular-nums",
        bgcolor: "background.paper",
        border: 1,
        borderColor: "divider",
        borderRadius: 1,
        pointerEvents: "none",
      }}
    >
      <div>{dateTime((times[at] ?? 0) / 1_000)}</div>
      {lines.map(({ name, values }) => (
        <div key={name}>
          {name}: {decimal(values[at])}
        </div>
      ))}
    </Box>
  );
}

/** As many rows as somebody can read; the files have all. */
const ROWS = 60;

interface FiguresProps {
  title: string;
  lines: Line[];
  times: number[];
}

/** The table behind the picture. */
function Figures({ title, lines, times }: FiguresProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <Box
      component="details"
      onToggle={(event: React.ToggleEvent<HTMLDetailsElement>) => setOpen(event.currentTarget.open)}
      sx={{ fontSize: 13, color: "text.secondary", "& summary": { cursor: "pointer", width: "fit-content" } }}
    >
      <summary aria-label={`${title} as a table`}>As a table</summary>
      {isOpen && <FiguresTable lines={lines} times={times} title={title} />}
    </Box>
  );
}

function FiguresTable({ title, lines, times }: FiguresProps) {
  const columns = useMemo(
    (): Column<number>[] => [
      { title: `Time (${zone()})`, cell: (at) => dateTime((times[at] ?? 0) / 1_000), isText: true, sortBy: (at) => times[at] },
      ...lines.map(
        ({ name, values }): Column<number> => ({ title: name, cell: (at) => decimal(values[at]), sortBy: (at) => values[at] }),
      ),
    ],
    [lines, times],
  );
  const rows = times.map((_, at) => at).reverse().slice(0, ROWS);
  return <DataTable columns={columns} empty="" keyOf={String} label={`${title}, the newest ${rows.length} readings`} rows={rows} />;
}
