// Ends the session of a browser that has logged in by the form.
import Logout from "@mui/icons-material/Logout";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";

import { useStore } from "../store";

/** A form, for its answer leads to the page that asks for the password. Who came in otherwise has nothing to end. */
export function LogOut() {
  const canLogOut = useStore(({ swarm }) => swarm.canLogOut);
  if (!canLogOut) return null;
  return (
    <Box action="logout" component="form" method="post" sx={{ my: "auto" }}>
      <Button aria-label="Log out" color="inherit" sx={{ gap: 1, minWidth: 0 }} title="Log out" type="submit">
        <Logout fontSize="small" />
        {/* where the bar is full the picture says it */}
        <Box component="span" sx={{ display: { md: "none", xl: "inline" } }}>
          Log out
        </Box>
      </Button>
    </Box>
  );
}
