// Locust's theme, with a green that can be read by night too.
import { createTheme } from "@mui/material/styles";
import { useCreateTheme } from "locust-ui";
import { useMemo } from "react";

const BY_NIGHT = "#4ade80";

export function useTheme() {
  const locusts = useCreateTheme();
  return useMemo(() => {
    const { mode, primary, success } = locusts.palette;
    const main = mode === "dark" ? BY_NIGHT : primary.main;
    return createTheme({
      palette: { mode, primary: { main }, success: { main: success.main } },
      components: locusts.components ?? {},
    });
  }, [locusts]);
}
