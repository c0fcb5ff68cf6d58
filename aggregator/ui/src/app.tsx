// The page: a bar, tabs in groups, and what the address asks for instead: one run, or the wall.
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Container from "@mui/material/Container";
import CssBaseline from "@mui/material/CssBaseline";
import GlobalStyles from "@mui/material/GlobalStyles";
import { ThemeProvider } from "@mui/material/styles";
import { useEffect } from "react";

import { dateTime, sentence } from "./parts/figures";
import { Actions } from "./shell/actions";
import { Bar } from "./shell/bar";
import { Footer } from "./shell/footer";
import { NewestRunProvider } from "./shell/newest-run";
import { Notices } from "./shell/notices";
import { Tabs } from "./shell/tabs";
import { useTheme } from "./shell/theme";
import { useLogs } from "./statistics/logs";
import { useStatistics, type Silence } from "./statistics/poll";
import { useStore } from "./store";
import { tabsBeforeTheFirstRun, tabsOfNow } from "./tabs";
import { OpenedRun } from "./tabs/opened-run";
import { Wall } from "./wall";

const styles = (colorScheme: "light" | "dark") => ({ ":root": { colorScheme } });

export function App() {
  const isWall = useStore(({ query }) => query["view"] === "wall");
  const theme = useTheme(isWall ? "dark" : undefined);
  const silence = useStatistics();
  useEffect(() => void performance.mark("shown"), []);
  return (
    <ThemeProvider theme={theme}>
      <CssBaseline />
      <GlobalStyles styles={styles(theme.palette.mode)} />
      <Notices>
        <NewestRunProvider>
          {isWall ? (
            <Wall silence={silence} />
          ) : (
            <Actions>
              <Page silence={silence} />
            </Actions>
          )}
        </NewestRunProvider>
      </Notices>
    </ThemeProvider>
  );
}

function Page({ silence }: { silence: Silence | null }) {
  const isReady = useStore(({ swarm }) => swarm.state === "ready");
  const run = useStore(({ query }) => query["run"]);
  const warnings = useStore(({ figures }) => [figures.late, figures.starved].filter((text) => text !== undefined).join("\n"));
  useLogs();
  return (
    <Box sx={{ display: "flex", flexDirection: "column", minHeight: "100vh" }}>
      <Bar />
      <Box component="main" sx={{ flex: 1, pb: 4, minWidth: 0 }}>
        {silence && (
          <Container maxWidth="xl" sx={{ mt: 2 }}>
            <Alert action={silence.isLoggedOut && <LogIn />} severity="warning">
              {silence.isLoggedOut ? "You are logged out." : silence.message} The figures are from{" "}
              {dateTime(silence.since.getTime() / 1_000)}.
            </Alert>
          </Container>
        )}
        {warnings && !isReady && !run && (
          <Container maxWidth="xl" sx={{ mt: 2 }}>
            <Alert severity="warning">
              {warnings.split("\n").map((text) => (
                <Box key={text}>{sentence(text)}</Box>
              ))}
            </Alert>
          </Container>
        )}
        {run ? <OpenedRun id={run} key={run} /> : <Tabs groups={isReady ? tabsBeforeTheFirstRun : tabsOfNow} />}
      </Box>
      <Footer />
    </Box>
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
