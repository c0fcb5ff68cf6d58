// A text with line numbers.
import Box from "@mui/material/Box";
import { useImperativeHandle, useRef, type Ref } from "react";

export interface EditorHandle {
  /** Selects a line, and scrolls there. */
  goTo: (line: number) => void;
}

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** Lines whose numbers stand out. */
  marked: Set<number>;
  ref: Ref<EditorHandle>;
}

const LINE = 20;
const ABOVE = 8;

const font = { fontFamily: "ui-monospace, monospace", fontSize: 13, lineHeight: `${LINE}px` };

export function Editor({ label, value, onChange, marked, ref }: Props) {
  const area = useRef<HTMLTextAreaElement>(null);
  const numbers = useRef<HTMLDivElement>(null);
  const lines = value.split("\n");

  useImperativeHandle(ref, () => ({
    goTo(line) {
      if (!area.current) return;
      const before = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
      area.current.focus();
      area.current.setSelectionRange(before, before + (lines[line - 1] ?? "").length);
      area.current.scrollTop = Math.max(0, (line - ABOVE) * LINE);
    },
  }));

  return (
    <Box
      sx={{ display: "flex", height: "65vh", minHeight: 240, border: 1, borderColor: "divider", borderRadius: 1, overflow: "hidden", "&:focus-within": { outline: 2, outlineColor: "primary.main", outlineStyle: "solid" } }}
    >
      <Box
        aria-hidden="true"
        ref={numbers}
        sx={{ ...font, overflow: "hidden", py: 1, px: 1, textAlign: "right", color: "text.secondary", bgcolor: "action.hover" }}
      >
        {lines.map((_, index) => (
          <Box key={index} sx={marked.has(index + 1) ? { color: "error.main", fontWeight: 700 } : undefined}>
            {index + 1}
          </Box>
        ))}
        {/* as much as a scroll bar takes from the text beside */}
        <Box sx={{ height: 20 }} />
      </Box>
      <Box
        aria-label={label}
        component="textarea"
        onChange={(event: React.ChangeEvent<HTMLTextAreaElement>) => onChange(event.target.value)}
        onScroll={(event: React.UIEvent<HTMLTextAreaElement>) => {
          if (numbers.current) numbers.current.scrollTop = event.currentTarget.scrollTop;
        }}
        ref={area}
        spellCheck={false}
        sx={{
          ...font,
          flex: 1,
          minWidth: 0,
          border: 0,
          outline: "none",
          resize: "none",
          p: 1,
          color: "text.primary",
          bgcolor: "background.paper",
          whiteSpace: "pre",
          overflow: "auto",
        }}
        value={value}
        wrap="off"
      />
    </Box>
  );
}
