// What somebody has written into the workload and not saved: kept by the browser until it is saved or given up.

interface Draft {
  text: string;
  /** Of the workload that it was made of. */
  etag: string;
}

/** One for each address: several servers may share a host. */
const name = () => `workload ${location.pathname}`;

export function draft(): Draft | null {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(name()) ?? "null");
    const { text, etag } = (kept ?? {}) as Partial<Draft>;
    return typeof text === "string" && typeof etag === "string" ? { text, etag } : null;
  } catch {
    return null;
  }
}

/** Keeps a draft; false if the browser has no room, or lets nothing be kept. */
export function keepDraft(draft: Draft): boolean {
  try {
    localStorage.setItem(name(), JSON.stringify(draft));
    return true;
  } catch {
    return false;
  }
}

export function forgetDraft(): void {
  try {
    localStorage.removeItem(name());
  } catch {
    // where nothing can be kept nothing is
  }
}
