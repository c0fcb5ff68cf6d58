// The newest lines of the server's log.
import Box from "@mui/material/Box";
import Paper from "@mui/material/Paper";

import { Loading } from "../parts/quiet";
import { Section } from "../parts/section";
import { useOverflow } from "../parts/use-overflow";
import { useStore } from "../store";

export function LogsTab() {
  const lines = useStore(({ logs }) => logs);
  const [box, isScrolled] = useOverflow();
  if (lines === null) return <Loading what="log" />;
  const paper = { component: Paper, ref: box, variant: "outlined" };
  return (
    <Section about="The newest lines, the oldest of them first. Their times are in the server's own time zone." title="Logs">
      <Box
        {...paper}
        {...(isScrolled && { "aria-label": "Log lines", role: "region", tabIndex: 0 })}
        sx={{ p: 1.5, maxHeight: "70vh", overflow: "auto", fontFamily: "ui-monospace, monospace", fontSize: 13, lineHeight: 1.5 }}
      >
        {lines.length === 0 && "The server has logged nothing yet."}
        {lines.map((line, at) => (
          <Box key={at} sx={{ color: colour(line), whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
            {line}
          </Box>
        ))}
      </Box>
    </Section>
  );
}

function colour(line: string): string {
  if (/\/(ERROR|CRITICAL)\//.test(line)) return "error.main";
  return line.includes("/WARNING/") ? "warning.main" : "text.primary";
}
