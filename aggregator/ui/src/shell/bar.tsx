// The bar at the top: Locust's, with our name on it.
import Menu from "@mui/icons-material/Menu";
import AppBar from "@mui/material/AppBar";
import Box from "@mui/material/Box";
import Container from "@mui/material/Container";
import Drawer from "@mui/material/Drawer";
import IconButton from "@mui/material/IconButton";
import type { Theme } from "@mui/material/styles";
import Toolbar from "@mui/material/Toolbar";
import Typography from "@mui/material/Typography";
import useMediaQuery from "@mui/material/useMediaQuery";
import { DarkLightToggle } from "locust-ui";
import { useState } from "react";

import { isOn, useStore } from "../store";
import { LogOut } from "./log-out";
import { Logo } from "./logo";
import { Monitor } from "./monitor";
import { StateButtons } from "./state-buttons";

/** Where there is no room for everything, all but the essence is in a drawer. */
export function Bar() {
  const isNarrow = useMediaQuery((theme: Theme) => theme.breakpoints.down("md"), { noSsr: true });
  return (
    <AppBar position="static">
      <Container maxWidth="xl">
        <Toolbar disableGutters sx={{ columnGap: { xs: 2, lg: 6 } }}>
          <Logo />
          {isNarrow ? <InShort /> : <InFull />}
        </Toolbar>
      </Container>
    </AppBar>
  );
}

function InFull() {
  return (
    <>
      <Monitor />
      <StateButtons />
      <LogOut />
      <DarkLightToggle />
    </>
  );
}

function InShort() {
  const [isOpen, setOpen] = useState(false);
  const state = useStore(({ swarm }) => swarm.state);
  const { totalRps, userCount } = useStore(({ ui }) => ui);
  return (
    <>
      <Typography noWrap sx={{ minWidth: 0 }} variant="body2">
        {isOn(state) ? `${userCount} users, ${totalRps} RPS` : state}
      </Typography>
      <IconButton aria-label="menu" color="inherit" edge="end" onClick={() => setOpen(true)}>
        <Menu />
      </IconButton>
      <Drawer anchor="right" onClose={() => setOpen(false)} open={isOpen}>
        <Box sx={{ display: "flex", flexDirection: "column", rowGap: 2, p: 2, maxWidth: "100vw" }}>
          <Box sx={{ display: "flex", justifyContent: "flex-end" }}>
            <LogOut />
            <DarkLightToggle />
          </Box>
          <StateButtons />
          <Monitor />
        </Box>
      </Drawer>
    </>
  );
}
