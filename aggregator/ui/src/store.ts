// What the parts of the page have in common: what the server said, the theme, and the address.
import { useSyncExternalStore } from "react";

import type { Answers } from "./server";
import type { CamelCased } from "./statistics/names";

/** Where the traffic stands, in Locust's words. */
export type State = Answers["State"];

/** The template arguments: what the forms are made of. */
export type Swarm = CamelCased<Answers["TemplateArgs"]>;

type Requests = CamelCased<Answers["Requests"]>;

/** The figures of now; before the first answer there is no row, and after it at least the sum. */
export interface Figures {
  errors: Requests["errors"];
  /** That response times include our own waiting, if they do. */
  starved?: string | undefined;
  /** How late the run that is on will be, if it will. */
  late?: string | undefined;
  /** In percent. */
  failRatio: number;
  /** The 95th percentile of the last seconds' response times, in milliseconds. */
  p95: number | null;
  stats: Requests["stats"];
  totalRps: number;
  userCount: number;
}

interface Store {
  figures: Figures;
  isDark: boolean;
  /** Null before the first answer. */
  logs: string[] | null;
  /** Tabs with something in them that nobody has seen. */
  news: Record<string, boolean>;
  query: Record<string, string>;
  swarm: Swarm;
}

let store: Store = {
  figures: { errors: [], failRatio: 0, p95: null, stats: [], totalRps: 0, userCount: 0 },
  isDark: false,
  logs: null,
  news: {},
  query: queryOf(location.search),
  // written into the page, and taken before anything is shown
  swarm: {} as Swarm,
};

const listeners = new Set<() => void>();

function change(part: Partial<Store>): void {
  store = { ...store, ...part };
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The store as it is now. */
export const now = () => store;

/** A part of the store, for components: one that is there, and not made anew. */
export const useStore = <T,>(part: (store: Store) => T): T => useSyncExternalStore(subscribe, () => part(store));

export const setSwarm = (part: Partial<Swarm>) => change({ swarm: { ...store.swarm, ...part } });
export const setFigures = (figures: Figures) => change({ figures });
export const setLogs = (logs: string[]) => change({ logs });

/** There is something in a tab. */
export const addNews = (tab: string) => change({ news: { ...store.news, [tab]: true } });

/** Somebody looks at a tab. */
export const seen = (tab: string) => change({ news: { ...store.news, [tab]: false } });

export const isOn = (state: State) => state === "spawning" || state === "running" || state === "stopping";

/** Starts in the theme that was chosen, or that the system has, so that nothing flashes. */
export function startInTheme(): void {
  const chosen: unknown = localStorage["theme"];
  change({ isDark: chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches });
}

/** Chooses a theme, for this browser and from now on. */
export function chooseTheme(isDark: boolean): void {
  localStorage["theme"] = isDark ? "dark" : "light";
  change({ isDark });
}

/** Leads to an address within the page; a part that is null is left out. */
export function go(parts: Record<string, string | null>): void {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(parts)) {
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  history.pushState(null, "", url);
  change({ query: queryOf(url.search) });
}

/** The browser's own buttons lead back to what the address names. */
export function followBackButton(): void {
  addEventListener("popstate", () => change({ query: queryOf(location.search) }));
}

function queryOf(search: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search));
}
