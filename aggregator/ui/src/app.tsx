// The page: Locust's bar and tabs, and the tabs that only Cicada has.
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Container from "@mui/material/Container";
import CssBaseline from "@mui/material/CssBaseline";
import GlobalStyles from "@mui/material/GlobalStyles";
import { ThemeProvider } from "@mui/material/styles";
import { Tabs, useLogViewer } from "locust-ui";
import { useEffect } from "react";

import { Bar } from "./shell/bar";
import { Footer } from "./shell/footer";
import { Notices } from "./shell/notices";
import { useTheme } from "./shell/theme";
import { useStatistics } from "./statistics/poll";
import { useStore } from "./store";
import { tabsBeforeTheFirstRun, tabsOfARun } from "./tabs";

const styles = (colorScheme: "light" | "dark") => ({
  ":root": { colorScheme },
  // so that all tabs fit on a laptop
  ".MuiTab-root": { minWidth: "0 !important", paddingInline: "12px !important" },
});

export function App() {
  const theme = useTheme();
  const isReady = useStore(({ swarm }) => swarm.state === "ready");
  const silence = useStatistics();
  useLogViewer();
  useEffect(() => void performance.mark("shown"), []);
  return (
    <ThemeProvider theme={theme}>
      <CssBaseline />
      <GlobalStyles styles={styles(theme.palette.mode)} />
      <Notices>
        <Box sx={{ display: "flex", flexDirection: "column", minHeight: "100vh" }}>
          <Bar />
          <Box component="main" sx={{ flex: 1, pb: 4 }}>
            {silence && (
              <Container maxWidth="xl" sx={{ mt: 2 }}>
                <Alert action={silence.isLoggedOut && <LogIn />} severity="warning">
                  {silence.isLoggedOut ? "You are logged out." : silence.message} The figures are from{" "}
                  {silence.since.toLocaleTimeString()}.
                </Alert>
              </Container>
            )}
            <Tabs tabs={isReady ? tabsBeforeTheFirstRun : tabsOfARun} />
          </Box>
          <Footer />
        </Box>
      </Notices>
    </ThemeProvider>
  );
}

/** The page is answered with the form now, which leads back to this tab. */
function LogIn() {
  return (
    <Button color="inherit" onClick={() => location.reload()} size="small">
      Log in
    </Button>
  );
}
