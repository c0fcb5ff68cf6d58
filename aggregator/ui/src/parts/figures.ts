// How figures are written: everywhere the same, with their units, and a dash where there is none.

export const NONE = "–";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const upTo = (digits: number) => new Intl.NumberFormat("en", { maximumFractionDigits: digits });
const exactly = (digits: number) =>
  new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

export type Figure = number | null | undefined;

const orNone = (write: (value: number) => string) => (value: Figure) =>
  value === null || value === undefined ? NONE : write(value);

/** `1,234` */
export const count = orNone((value) => whole.format(value));

/** Milliseconds without their unit, which stands in the heading: `0.42`, `8.3`, `1,234` */
export const milliseconds = orNone((value) => {
  const size = Math.abs(value);
  return upTo(size < 1 ? 2 : size < 100 ? 1 : 0).format(value);
});

/** A ratio as `1.67 %` */
export const percent = orNone((ratio) => `${exactly(2).format(100 * ratio)} %`);

/** `12.5` */
export const decimal = orNone((value) => upTo(2).format(value));

/** `$0.0012`, `$12.34` */
export const dollars = orNone((value) => `$${exactly(value !== 0 && Math.abs(value) < 0.01 ? 4 : 2).format(value)}`);

/** With its sign: `+420`, `−3`, `0` */
export const signed = (write: (value: Figure) => string) =>
  orNone((value) => (value > 0 ? `+${write(value)}` : value < 0 ? `−${write(-value)}` : write(0)));

/** A message of the server's as a sentence. */
export const sentence = (message: string) => `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;

const two = (number: number) => String(number).padStart(2, "0");

/** Seconds since the epoch as `2026-11-26 09:00:00`, in the reader's own time zone, which the page names. */
export const dateTime = orNone((seconds) => {
  const date = new Date(1000 * seconds);
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":")}`;
});

/** The reader's own time zone as it is now: `Europe/Berlin, UTC+01:00` */
export function zone(): string {
  const minutes = -new Date().getTimezoneOffset();
  const size = Math.abs(minutes);
  const offset = `UTC${minutes < 0 ? "−" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return !name || name === "UTC" || name === "Etc/UTC" ? offset : `${name}, ${offset}`;
}

/** Seconds as `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h` */
export const duration = orNone((seconds) => {
  const units: [number, string][] = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [size, unit] of units) {
    const amount = Math.floor(rest / size);
    rest %= size;
    if (amount > 0) parts.push(`${amount} ${unit}`);
  }
  return parts.slice(0, 2).join(" ") || "0 s";
});
