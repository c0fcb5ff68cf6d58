import Box from "@mui/material/Box";
import CircularProgress from "@mui/material/CircularProgress";
import Typography from "@mui/material/Typography";

/** Something is on its way: what, as the end of a sentence. */
export function Loading({ what }: { what: string }) {
  return (
    <Box role="status" sx={{ display: "flex", alignItems: "center", justifyContent: "center", gap: 2, py: 6 }}>
      <CircularProgress aria-label="Loading" size={24} />
      <Typography color="text.secondary" variant="body2">
        Loading the {what}…
      </Typography>
    </Box>
  );
}
