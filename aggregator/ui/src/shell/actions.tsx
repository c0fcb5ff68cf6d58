// What the buttons open: forms and questions. They stay open when the bar changes its form, as on a phone that is turned.
import Button from "@mui/material/Button";
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from "react";

import { Dialog } from "../parts/dialog";
import { ask, Problem } from "../server";
import { refresh } from "../statistics/poll";
import { EditForm, StartForm } from "./forms";
import { useNotice } from "./notices";

/** A form, or a question before something is done by a `POST`. */
type Shown = { form: "start" | "edit" } | { label: string; path: string; text: string };

interface Actions {
  show: (shown: Shown) => void;
  /** Does it, and says what is wrong if it is refused. */
  post: (path: string) => Promise<void>;
}

const Context = createContext<Actions>({ show: () => {}, post: () => Promise.resolve() });

export const useActions = () => useContext(Context);

export function Actions({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<Shown | null>(null);
  const notify = useNotice();
  const post = useCallback(
    async (path: string) => {
      try {
        await ask(path, { method: "POST" });
        refresh();
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        notify(problem.message);
      }
    },
    [notify],
  );
  const actions = useMemo(() => ({ show: setShown, post }), [post]);
  const close = () => setShown(null);
  return (
    <Context value={actions}>
      {children}
      {shown && "form" in shown && (
        <Dialog isOpen onClose={close} title={shown.form === "edit" ? "Edit running load test" : "Start new load test"}>
          {shown.form === "edit" ? <EditForm onGranted={close} /> : <StartForm onGranted={close} />}
        </Dialog>
      )}
      {shown && "text" in shown && (
        <Question
          {...shown}
          onClose={close}
          onSure={() => {
            close();
            void post(shown.path);
          }}
        />
      )}
    </Context>
  );
}

interface QuestionProps {
  label: string;
  text: string;
  onClose: () => void;
  onSure: () => void;
}

function Question({ label, text, onClose, onSure }: QuestionProps) {
  return (
    <Dialog
      actions={
        <>
          <Button autoFocus onClick={onClose}>
            Cancel
          </Button>
          <Button color="error" onClick={onSure} variant="contained">
            {label}
          </Button>
        </>
      }
      isOpen
      onClose={onClose}
      title={`${label}?`}
    >
      {text}
    </Dialog>
  );
}
