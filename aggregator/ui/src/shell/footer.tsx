import Container from "@mui/material/Container";
import Link from "@mui/material/Link";
import Typography from "@mui/material/Typography";

import { zone } from "../parts/figures";
import { useStore } from "../store";

/** What this is, and what else there is. */
export function Footer() {
  const version = useStore(({ swarm }) => swarm.version);
  return (
    <Container
      component="footer"
      maxWidth="xl"
      sx={{ display: "flex", flexWrap: "wrap", columnGap: 3, justifyContent: "flex-end", py: 1 }}
    >
      <Typography color="text.secondary" sx={{ mr: "auto" }} variant="body2">
        Times are in {zone()}
      </Typography>
      <Typography variant="body2">Cicada {version}</Typography>
      <Link href="./?view=wall" variant="body2">
        Wall
      </Link>
      <Link href="./api" variant="body2">
        API
      </Link>
      <Link href="./assets/licenses.md" variant="body2">
        Licenses
      </Link>
    </Container>
  );
}
