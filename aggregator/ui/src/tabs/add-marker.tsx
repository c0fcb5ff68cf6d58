// A note on the run that is on, for all who look at its charts: "deployed v2".
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { useState, type FormEvent } from "react";

import { ask, Problem } from "../server";
import { useNotice } from "../shell/notices";

export function AddMarker({ onAdded }: { onAdded: () => void }) {
  const [text, setText] = useState("");
  const notify = useNotice();
  async function add(event: FormEvent) {
    event.preventDefault();
    try {
      await ask("markers", { method: "POST", body: new URLSearchParams({ text: text.trim() }) });
      setText("");
      onAdded();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      notify(problem.message);
    }
  }
  return (
    <Box component="form" onSubmit={(event) => void add(event)} sx={{ display: "flex", alignItems: "flex-end", gap: 1 }}>
      <TextField
        label="Marker"
        onChange={(event) => setText(event.target.value)}
        placeholder="deployed v2"
        size="small"
        slotProps={{ htmlInput: { maxLength: 100 }, inputLabel: { shrink: true } }}
        sx={{ width: 160 }}
        value={text}
        variant="standard"
      />
      <Button disabled={text.trim() === ""} size="small" type="submit" variant="outlined">
        Add
      </Button>
    </Box>
  );
}
