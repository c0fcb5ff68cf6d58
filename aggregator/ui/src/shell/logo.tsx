import Box from "@mui/material/Box";
import Link from "@mui/material/Link";
import Typography from "@mui/material/Typography";

/** The name in the bar, which leads to the page's start. */
export function Logo() {
  return (
    <Link
      aria-label="CICADA"
      color="inherit"
      href="./"
      sx={{ display: "flex", alignItems: "center", columnGap: 1, mr: "auto" }}
      underline="none"
    >
      <Box alt="" component="img" height={36} src="./assets/cicada.svg" sx={{ bgcolor: "#f7fee7", borderRadius: 1, p: 0.5 }} width={36} />
      <Typography component="span" sx={{ fontWeight: 700, letterSpacing: 1.5, display: { xs: "none", sm: "inline" } }} variant="h6">
        CICADA
      </Typography>
    </Link>
  );
}
