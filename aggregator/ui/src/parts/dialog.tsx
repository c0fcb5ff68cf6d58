// A dialog over the page; on a phone it is the page.
import Close from "@mui/icons-material/Close";
import MuiDialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import IconButton from "@mui/material/IconButton";
import type { Theme } from "@mui/material/styles";
import useMediaQuery from "@mui/material/useMediaQuery";
import { useId, type ReactNode } from "react";

interface Props {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  /** Buttons below; a form brings its own. */
  actions?: ReactNode;
  children: ReactNode;
}

export function Dialog({ title, isOpen, onClose, actions, children }: Props) {
  const id = useId();
  const isNarrow = useMediaQuery((theme: Theme) => theme.breakpoints.down("sm"), { noSsr: true });
  return (
    <MuiDialog aria-labelledby={id} fullScreen={isNarrow && !actions} fullWidth maxWidth={actions ? "sm" : "md"} onClose={onClose} open={isOpen}>
      <DialogTitle id={id} sx={{ pr: 7 }}>
        {title}
      </DialogTitle>
      <IconButton aria-label="Close" onClick={onClose} sx={{ position: "absolute", right: 12, top: 12 }}>
        <Close />
      </IconButton>
      <DialogContent>{children}</DialogContent>
      {actions && <DialogActions>{actions}</DialogActions>}
    </MuiDialog>
  );
}
