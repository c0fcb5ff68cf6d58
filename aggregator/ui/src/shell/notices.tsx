// Short messages over the page: what was done, or could not be.
import Alert from "@mui/material/Alert";
import Snackbar from "@mui/material/Snackbar";
import { createContext, useCallback, useContext, useState, type ReactNode } from "react";

type Severity = "error" | "info" | "success";

const Notify = createContext<(message: string, severity?: Severity) => void>(() => {});

/** Shows a message for a while; it is a failure unless it is said. */
export const useNotice = () => useContext(Notify);

export function Notices({ children }: { children: ReactNode }) {
  const [notice, setNotice] = useState<{ message: string; severity: Severity } | null>(null);
  const notify = useCallback((message: string, severity: Severity = "error") => setNotice({ message, severity }), []);
  const close = () => setNotice(null);
  return (
    <Notify value={notify}>
      {children}
      <Snackbar autoHideDuration={10_000} onClose={close} open={notice !== null}>
        <Alert onClose={close} severity={notice?.severity ?? "info"} variant="standard">
          {notice?.message}
        </Alert>
      </Snackbar>
    </Notify>
  );
}
