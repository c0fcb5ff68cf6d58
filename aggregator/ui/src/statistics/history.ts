// The charts: what the server remembers of the run, and what was seen since.
//
// The server thins its history as it ages, so the page takes that as the truth now and then, and stays
// small however long it is open.
import { get, Problem, type Answers } from "../server";
import { now, setFigures, type Charts, type Point, type Reading } from "../store";
import { camelCased } from "./names";

/** Readings after which the page takes the server's history again: half an hour's. */
const OFTEN_ENOUGH = 900;

let collected = 0;

/** The lines that Locust's charts draw. */
function lines(): string[] {
  const percentiles = now().swarm.percentilesToChart.map((percentile) => `responseTimePercentile${percentile}`);
  return ["currentRps", "currentFailPerSec", "userCount", ...percentiles];
}

/** Whether enough has come since for the server's history to be taken again; counts what comes. */
export function isDueAgain(): boolean {
  collected += 1;
  return collected >= OFTEN_ENOUGH;
}

/** Takes the server's history in place of what the charts have. */
export async function takeHistory(): Promise<void> {
  collected = 0;
  try {
    const { history } = await get<Answers["History"]>("stats/history");
    setFigures({ charts: chartsOf(camelCased(history)) });
  } catch (problem) {
    // a chart that begins now is better than none; that the server is away is said elsewhere
    if (!(problem instanceof Problem)) throw problem;
  }
}

function chartsOf(readings: Reading[]): Charts {
  const charts: Charts = { time: readings.map((reading) => reading["time"] as string) };
  for (const line of lines()) {
    charts[line] = readings.map((reading): Point => (reading[line] as Point | undefined) ?? [reading["time"] as string, null]);
  }
  return charts;
}
