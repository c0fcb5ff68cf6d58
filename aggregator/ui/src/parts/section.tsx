import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import type { ReactNode } from "react";

interface Props {
  title: string;
  /** What it is about, in a sentence. */
  about?: ReactNode;
  /** Buttons beside the title. */
  actions?: ReactNode;
  children: ReactNode;
}

/** A part of a tab under its own title. */
export function Section({ title, about, actions, children }: Props) {
  return (
    <Box component="section" sx={{ mb: 4 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center", mb: 1 }}>
        <Typography component="h2" sx={{ flex: 1 }} variant="h6">
          {title}
        </Typography>
        {actions}
      </Box>
      {about && (
        <Typography color="text.secondary" sx={{ mb: 2, maxWidth: "80ch" }} variant="body2">
          {about}
        </Typography>
      )}
      {children}
    </Box>
  );
}
