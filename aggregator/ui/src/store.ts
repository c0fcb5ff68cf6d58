// What the page and Locust's components have in common: Locust's store, and what the page may change in it.
//
// The package exports the store but not its actions, so they are named here, once.
import { locustStore } from "locust-ui";
import { useSelector } from "react-redux";

import type { Answers } from "./server";
import type { CamelCased } from "./statistics/names";

export { locustStore };

/** Where the traffic stands, in Locust's words. */
export type State = Answers["State"];

/** The part of the store that the forms are made of: the template arguments, some of which the forms change. */
export type Swarm = Omit<CamelCased<Answers["TemplateArgs"]>, "runTime" | "userCount"> & {
  runTime: string | number | null;
  userCount: number | string;
};

/** A point of a chart: when, and how much. */
export type Point = [time: string, value: number | null];

/** Locust's charts: a list of points for each line, and the times of them all. */
export type Charts = Record<string, Point[] | string[]>;

/** One reading: a point for each line. */
export type Reading = Record<string, Point | string>;

/** The part of the store that the tabs show. */
export interface Figures {
  charts: Charts;
  errors: object[];
  /** That response times include our own waiting, if they do. */
  starved?: string | undefined;
  /** How late the run that is on will be, if it will. */
  late?: string | undefined;
  failRatio: number;
  stats: object[];
  totalRps: number;
  userCount: number;
}

interface Store {
  swarm: Swarm;
  theme: { isDarkMode: boolean };
  ui: Figures;
  url: { query: Record<string, string> | null };
}

const change = (type: string) => (payload: unknown) => {
  locustStore.dispatch({ type, payload });
};

export const setSwarm: (part: Partial<Swarm>) => void = change("swarm/setSwarm");
export const setFigures: (part: Partial<Figures>) => void = change("ui/setUi");
export const addReading: (reading: Reading) => void = change("ui/updateCharts");
/** Begins another run in the charts. */
export const addMarker: (time: string) => void = change("ui/updateChartMarkers");
const setDarkMode: (isDarkMode: boolean) => void = change("theme/setIsDarkMode");
const setUrl: (url: Store["url"]) => void = change("url/setUrl");

/** The store as it is now. */
export const now = () => locustStore.getState() as unknown as Store;

/** A part of the store, for components. */
export function useStore<T>(part: (store: Store) => T): T {
  return useSelector(part as (store: unknown) => T);
}

export const isOn = (state: State) => state === "spawning" || state === "running" || state === "stopping";

/** Starts in the theme that was chosen, or that the system has, so that nothing flashes. */
export function startInTheme(): void {
  const chosen: unknown = localStorage["theme"];
  setDarkMode(chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
}

/** The browser's own buttons lead back to the tab that the address names. */
export function followBackButton(): void {
  addEventListener("popstate", () => {
    setUrl({ query: Object.fromEntries(new URLSearchParams(location.search)) });
  });
}
