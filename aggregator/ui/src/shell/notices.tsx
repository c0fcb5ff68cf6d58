// Short messages over the page: what could not be done.
import Alert from "@mui/material/Alert";
import Snackbar from "@mui/material/Snackbar";
import { createContext, useContext, useState, type ReactNode } from "react";

const Notify = createContext<(message: string) => void>(() => {});

/** Shows a message for a while. */
export const useNotice = () => useContext(Notify);

export function Notices({ children }: { children: ReactNode }) {
  const [message, setMessage] = useState<string | null>(null);
  const close = () => setMessage(null);
  return (
    <Notify value={setMessage}>
      {children}
      <Snackbar autoHideDuration={10_000} onClose={close} open={message !== null}>
        <Alert onClose={close} severity="error" variant="filled">
          {message}
        </Alert>
      </Snackbar>
    </Notify>
  );
}
