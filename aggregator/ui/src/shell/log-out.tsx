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
      <Button color="inherit" startIcon={<Logout />} sx={{ whiteSpace: "nowrap" }} type="submit">
        Log out
      </Button>
    </Box>
  );
}
