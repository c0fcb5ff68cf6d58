// The bar at the top: Locust's, with our name on it.
import Menu from "@mui/icons-material/Menu";
import AppBar from "@mui/material/AppBar";
import Box from "@mui/material/Box";
import Container from "@mui/material/Container";
import Drawer from "@mui/material/Drawer";
import IconButton from "@mui/material/IconButton";
import Toolbar from "@mui/material/Toolbar";
import { DarkLightToggle } from "locust-ui";
import { useState } from "react";

import { Logo } from "./logo";
import { Monitor } from "./monitor";
import { StateButtons } from "./state-buttons";

export function Bar() {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <AppBar position="static">
        <Container maxWidth="xl">
          <Toolbar disableGutters sx={{ columnGap: 2 }}>
            <Logo />
            <IconButton
              aria-label="menu"
              color="inherit"
              edge="end"
              onClick={() => setOpen(true)}
              sx={{ display: { md: "none" } }}
            >
              <Menu />
            </IconButton>
            <Box sx={{ display: { xs: "none", md: "flex" }, columnGap: { md: 2, lg: 6 } }}>
              <Monitor />
              <StateButtons />
              <DarkLightToggle />
            </Box>
          </Toolbar>
        </Container>
      </AppBar>
      <Drawer anchor="right" onClose={() => setOpen(false)} open={isOpen}>
        <Box sx={{ display: "flex", flexDirection: "column", rowGap: 2, p: 2, maxWidth: "100vw" }}>
          <Box sx={{ display: "flex", justifyContent: "flex-end" }}>
            <DarkLightToggle />
          </Box>
          <StateButtons />
          <Monitor />
        </Box>
      </Drawer>
    </>
  );
}
