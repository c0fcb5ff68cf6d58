// The server's newest log lines; a tab has news when there are warnings in them that nobody has seen.
import { useEffect } from "react";

import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { addNews, setLogs } from "../store";

const OFTEN = 5_000;
const PLACE = "log lines seen";

/** Follows the log for as long as the component lives. */
export function useLogs(): void {
  const { answer } = useAnswer<Answers["Logs"]>("logs", OFTEN);
  useEffect(() => {
    if (!answer) return;
    setLogs(answer.master);
    const worst = answer.master.findLast((line) => /\/(WARNING|ERROR|CRITICAL)\//.test(line));
    if (!worst || worst === localStorage[PLACE]) return;
    localStorage[PLACE] = worst;
    addNews("logViewer");
  }, [answer]);
}
