// The bar at the top: where the traffic stands, and what can be done.
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
import { useState } from "react";

import { count, decimal } from "../parts/figures";
import { isOn, useStore } from "../store";
import { LogOut } from "./log-out";
import { Logo } from "./logo";
import { Monitor } from "./monitor";
import { StateButtons } from "./state-buttons";
import { ThemeButton } from "./theme-button";

/** Where there is no room for everything, all but the essence is in a drawer. */
export function Bar() {
  const isNarrow = useMediaQuery((theme: Theme) => theme.breakpoints.down("md"), { noSsr: true });
  return (
    <AppBar position="static">
      <Container maxWidth="xl">
        <Toolbar disableGutters sx={{ columnGap: { xs: 1, sm: 2, lg: 3 } }}>
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
      <ThemeButton />
    </>
  );
}

function InShort() {
  const [isOpen, setOpen] = useState(false);
  const state = useStore(({ swarm }) => swarm.state);
  const { totalRps, userCount } = useStore(({ figures }) => figures);
  return (
    <>
      <Typography noWrap sx={{ minWidth: 0 }} variant="body2">
        {isOn(state) ? `${count(userCount)} users, ${decimal(totalRps)} RPS` : state}
      </Typography>
      <IconButton aria-haspopup="dialog" aria-label="menu" color="inherit" edge="end" onClick={() => setOpen(true)}>
        <Menu />
      </IconButton>
      <Drawer anchor="right" onClose={() => setOpen(false)} open={isOpen} slotProps={{ paper: { "aria-label": "Menu" } }}>
        <Box sx={{ display: "flex", flexDirection: "column", rowGap: 2, p: 2, maxWidth: "100vw" }}>
          <Box sx={{ display: "flex", justifyContent: "flex-end" }}>
            <LogOut />
            <ThemeButton />
          </Box>
          <StateButtons />
          <Monitor />
        </Box>
      </Drawer>
    </>
  );
}
