// What can be done with a run that is listed: it gets a name and a note, is compared, and is deleted.
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { useState, type FormEvent } from "react";

import { Dialog } from "../parts/dialog";
import { count, dateTime, zone } from "../parts/figures";
import { ask, Problem, type Answers } from "../server";
import { go } from "../store";

type RunRow = Answers["RunRow"];

/** The name of a run, or when it was. */
export const titleOf = (run: Pick<RunRow, "name" | "started">) => run.name ?? `Run of ${dateTime(run.started)}`;

/** The run that a part is of. */
export const wholeOf = (run: Pick<RunRow, "id">) => run.id.replace(/\..*$/, "");

const pathOf = (run: RunRow) => `runs/${encodeURIComponent(wholeOf(run))}`;

interface Props {
  run: RunRow;
  onChanged: () => void;
}

/** Buttons; on a row of many they say of which run they are. */
export function RunActions({ run, onChanged, onDeleted }: Props & { onDeleted: () => void }) {
  const [open, setOpen] = useState<"label" | "delete" | null>(null);
  const close = () => setOpen(null);
  const name = titleOf(run);
  return (
    <Box sx={{ display: "flex", gap: 0.5 }}>
      <Button aria-label={`Name and note of ${name}`} onClick={() => setOpen("label")} size="small">
        Name
      </Button>
      <Button aria-label={`Compare ${name}`} onClick={() => go({ run: run.id, tab: "compare" })} size="small">
        Compare
      </Button>
      <Button
        aria-label={`Delete ${name}`}
        color="error"
        disabled={run.state !== "stopped" || run.part !== null}
        onClick={() => setOpen("delete")}
        size="small"
      >
        Delete
      </Button>
      {open === "label" && <LabelDialog onChanged={onChanged} onClose={close} run={run} />}
      {open === "delete" && <DeleteDialog onClose={close} onDeleted={onDeleted} run={run} />}
    </Box>
  );
}

/** Does something, and keeps what the server said if it did not. */
function useAct(act: () => Promise<unknown>, onDone: () => void) {
  const [problem, setProblem] = useState<string | null>(null);
  async function run() {
    try {
      await act();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      setProblem(problem.message);
      return;
    }
    onDone();
  }
  return { problem, run: () => void run() };
}

function LabelDialog({ run, onChanged, onClose }: Props & { onClose: () => void }) {
  const [name, setName] = useState(run.name ?? "");
  const [note, setNote] = useState(run.note ?? "");
  const save = useAct(
    () => ask(pathOf(run), { method: "POST", body: new URLSearchParams({ name, note }) }),
    () => {
      onChanged();
      onClose();
    },
  );
  function submit(event: FormEvent) {
    event.preventDefault();
    save.run();
  }
  return (
    <Dialog
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button form="run-labels" type="submit" variant="contained">
            Save
          </Button>
        </>
      }
      isOpen
      onClose={onClose}
      title="Name and note"
    >
      <Box component="form" id="run-labels" onSubmit={submit} sx={{ display: "flex", flexDirection: "column", rowGap: 2, pt: 1 }}>
        {save.problem && <Alert severity="error">{save.problem}</Alert>}
        <TextField
          autoFocus
          label="Name"
          onChange={(event) => setName(event.target.value)}
          slotProps={{ htmlInput: { maxLength: 80 } }}
          value={name}
        />
        <TextField
          label="Note"
          minRows={3}
          multiline
          onChange={(event) => setNote(event.target.value)}
          slotProps={{ htmlInput: { maxLength: 500 } }}
          value={note}
        />
      </Box>
    </Dialog>
  );
}

function DeleteDialog({ run, onDeleted, onClose }: { run: RunRow; onDeleted: () => void; onClose: () => void }) {
  const remove = useAct(
    () => ask(pathOf(run), { method: "DELETE" }),
    () => {
      onClose();
      onDeleted();
    },
  );
  return (
    <Dialog
      actions={
        <>
          <Button autoFocus onClick={onClose}>
            Cancel
          </Button>
          <Button color="error" onClick={remove.run} variant="contained">
            Delete
          </Button>
        </>
      }
      isOpen
      onClose={onClose}
      title="Delete this run?"
    >
      {remove.problem && <Alert severity="error">{remove.problem}</Alert>}
      {titleOf(run)}, started at {dateTime(run.started)} ({zone()}): its {count(run.num_requests)} requests, its statistics, ledger, report and parts are
      gone then, for good.
    </Dialog>
  );
}
