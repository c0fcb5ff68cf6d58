import Box from "@mui/material/Box";
import type { ReactNode } from "react";

/** Locust's table of statistics, its numbers one below the other; the first two columns are texts. */
export function NumbersAligned({ children }: { children: ReactNode }) {
  return (
    <Box
      sx={{
        "& th, & td": { px: 1.5, py: 1.25 },
        "& td": { fontVariantNumeric: "tabular-nums", whiteSpace: "nowrap" },
        "& th:nth-of-type(n + 3), & td:nth-of-type(n + 3)": { textAlign: "right" },
        "& th": { lineHeight: 1.2 },
      }}
    >
      {children}
    </Box>
  );
}
