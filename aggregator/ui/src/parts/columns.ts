// Which columns of a table are shown, as this browser's user likes it.
import { useState } from "react";

/** The titles of those that are hidden, and a way to change that; it holds from now on. */
export function useHiddenColumns(table: string): [Set<string>, (title: string) => void] {
  const place = `hidden columns of ${table}`;
  const [hidden, setHidden] = useState(() => new Set<string>(JSON.parse((localStorage[place] as string | undefined) ?? "[]")));
  function toggle(title: string) {
    const changed = new Set(hidden);
    if (!changed.delete(title)) changed.add(title);
    localStorage[place] = JSON.stringify([...changed]);
    setHidden(changed);
  }
  return [hidden, toggle];
}
