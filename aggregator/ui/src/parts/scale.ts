// The axes of a chart: from figures and instants to pixels, with ticks that people can read.

export interface Scale {
  at: (value: number) => number;
  ticks: number[];
}

const STEPS = [1, 2, 5, 10];

/** From zero to the highest value, in steps of 1, 2 or 5 of a power of ten. */
export function linear(highest: number, height: number): Scale {
  const rough = (highest || 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (STEPS.find((step) => power * step >= rough) ?? 10);
  const top = step * Math.max(1, Math.ceil(highest / step));
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, number) => number * step);
  return { at: (value) => height * (1 - value / top), ticks };
}

/** By powers of ten; what is zero or less is at the bottom. */
export function logarithmic(lowest: number, highest: number, height: number): Scale {
  const from = Math.floor(Math.log10(lowest > 0 ? lowest : 1));
  const to = Math.max(from + 1, Math.ceil(Math.log10(highest > 0 ? highest : 1)));
  const ticks = Array.from({ length: to - from + 1 }, (_, number) => 10 ** (from + number));
  const share = (value: number) => (value > 0 ? (Math.log10(value) - from) / (to - from) : 0);
  return { at: (value) => height * (1 - Math.max(0, share(value))), ticks };
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const SPANS = [1, 2, 5, 10, 15, 30].map((number) => number * SECOND).concat(
  [1, 2, 5, 10, 15, 30].map((number) => number * MINUTE),
  [1, 2, 3, 6, 12].map((number) => number * HOUR),
  [1, 2, 7, 14].map((number) => number * DAY),
);

/** Instants in milliseconds, with a tick at most every `apart` pixels. */
export function temporal(from: number, to: number, width: number, apart: number): Scale & { step: number } {
  const length = Math.max(to - from, SECOND);
  const step = SPANS.find((span) => (span / length) * width >= apart) ?? 28 * DAY;
  // full hours and days of the reader's own zone
  const zone = new Date(from).getTimezoneOffset() * MINUTE;
  const first = Math.ceil((from - zone) / step) * step + zone;
  const ticks: number[] = [];
  for (let tick = first; tick <= to; tick += step) ticks.push(tick);
  return { at: (instant) => (width * (instant - from)) / length, ticks, step };
}

/** A tick of the time axis: the day where days are apart, else the time. */
export function instant(at: number, step: number): string {
  const date = new Date(at);
  if (step >= DAY) return date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  const seconds = step < MINUTE ? ({ second: "2-digit" } as const) : {};
  return date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", ...seconds });
}
