import DarkMode from "@mui/icons-material/DarkMode";
import LightMode from "@mui/icons-material/LightMode";
import IconButton from "@mui/material/IconButton";

import { chooseTheme, useStore } from "../store";

/** Goes from day to night and back. */
export function ThemeButton() {
  const isDarkMode = useStore(({ isDark }) => isDark);
  const label = isDarkMode ? "Light theme" : "Dark theme";
  return (
    <IconButton aria-label={label} color="inherit" onClick={() => chooseTheme(!isDarkMode)} title={label}>
      {isDarkMode ? <LightMode /> : <DarkMode />}
    </IconButton>
  );
}
