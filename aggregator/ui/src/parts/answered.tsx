import Alert from "@mui/material/Alert";
import type { ReactNode } from "react";

import { Loading } from "./quiet";
import type { Asked } from "./use-answer";

interface Props<T> {
  asked: Asked<T>;
  /** What it is that is shown, as the end of a sentence. */
  what: string;
  children: (answer: T) => ReactNode;
}

/** Shows an answer, or why there is none. */
export function Answered<T>({ asked: { answer, problem }, what, children }: Props<T>) {
  return (
    <>
      {problem?.status === 404 && <Alert severity="info">This server has no {what}.</Alert>}
      {problem && problem.status !== 404 && <Alert severity="warning">{problem.message}</Alert>}
      {answer !== null && children(answer)}
      {answer === null && !problem && <Loading what={what} />}
    </>
  );
}
