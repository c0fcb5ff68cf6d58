// The page's colours: Locust's green, and by day and by night enough contrast for everybody (WCAG 2, AA).
import { createTheme } from "@mui/material/styles";
import { useMemo } from "react";

import { useStore } from "../store";

const COLOURS = {
  light: { primary: "#15803d", error: "#c62828", warning: "#9a4b00", success: "#15803d" },
  dark: { primary: "#4ade80", error: "#ff8a80", warning: "#ffb74d", success: "#4ade80" },
};

/** The theme that was chosen, or the one that is named. */
export function useTheme(mode?: "light" | "dark") {
  const isDarkMode = useStore(({ isDark }) => isDark);
  const chosen = mode ?? (isDarkMode ? "dark" : "light");
  return useMemo(() => {
    const { primary, error, warning, success } = COLOURS[chosen];
    return createTheme({
      palette: {
        mode: chosen,
        contrastThreshold: 4.5,
        primary: { main: primary },
        error: { main: error },
        warning: { main: warning },
        success: { main: success },
      },
      components: {
        MuiCssBaseline: { styleOverrides: { p: { margin: 0 }, ul: { paddingLeft: "16px" } } },
        MuiButton: { styleOverrides: { root: { whiteSpace: "nowrap" } } },
      },
    });
  }, [chosen]);
}
