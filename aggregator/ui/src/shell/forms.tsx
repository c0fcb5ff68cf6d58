// The form that starts a run, or changes the one that is on: Locust's fields, under Locust's labels.
import Accordion from "@mui/material/Accordion";
import AccordionDetails from "@mui/material/AccordionDetails";
import AccordionSummary from "@mui/material/AccordionSummary";
import ExpandMore from "@mui/icons-material/ExpandMore";
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useEffect, useState, type FormEvent } from "react";

import { Loading } from "../parts/quiet";
import { ask, Problem, type Answers } from "../server";
import { refresh } from "../statistics/poll";
import { setSwarm, useStore } from "../store";
import { ClassPicker } from "./class-picker";
import { askForNewestRun, rememberStart } from "./newest-run";

interface Props {
  /** What was asked for was granted. */
  onGranted?: () => void;
}

/** The form that starts a run; it proposes what ran last. */
export function StartForm({ onGranted }: Props) {
  const [last, setLast] = useState<Answers["RunRow"] | null | undefined>();
  useEffect(() => void askForNewestRun().then(setLast), []);
  return last === undefined ? <Loading what="last run's settings" /> : <NewRun last={last} onGranted={onGranted} />;
}

/** Before the first run the form is the page. */
export function FirstForm() {
  return (
    <Box sx={{ maxWidth: "md", mx: "auto" }}>
      <Typography component="h2" sx={{ mb: 2 }} variant="h6">
        Start new load test
      </Typography>
      <StartForm />
    </Box>
  );
}

interface NewRunProps {
  last: Answers["RunRow"] | null;
  onGranted: (() => void) | undefined;
}

function NewRun({ last, onGranted }: NewRunProps) {
  const swarm = useStore(({ swarm }) => swarm);
  const known = swarm.availableUserClasses;
  const ran = last?.user_classes.filter((name) => known.includes(name)) ?? [];
  const [chosen, setChosen] = useState(ran.length > 0 ? ran : known);
  const [shape, setShape] = useState(swarm.shapeClass ?? swarm.availableShapeClasses[0] ?? "");
  const isShaped = shape !== swarm.availableShapeClasses[0];
  const { problem, submit } = useSubmit(onGranted, async (fields) => {
    if (chosen.length === 0) throw new Problem("Choose at least one user class: without any there is nobody to start.", 0);
    for (const name of chosen) fields.append("user_classes", name);
    await ask("swarm", { method: "POST", body: fields });
    await rememberStart();
  });
  return (
    <form noValidate onSubmit={submit}>
      <Box sx={{ display: "flex", flexDirection: "column", rowGap: 3 }}>
        <ClassPicker chosen={chosen} onChange={setChosen} />
        {swarm.availableShapeClasses.length > 1 && (
          <TextField
            label="Shape Class"
            name="shape_class"
            onChange={(event) => setShape(event.target.value)}
            select
            slotProps={{ select: { native: true, inputProps: { id: "shape-class" } }, inputLabel: { htmlFor: "shape-class" } }}
            value={shape}
          >
            {swarm.availableShapeClasses.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </TextField>
        )}
        <Users isShaped={isShaped} rate={swarm.spawnRate} users={swarm.numUsers} />
        <TextField
          defaultValue={swarm.host || last?.host || ""}
          helperText={swarm.hosts.length > 0 ? `Empty: each class's own (${swarm.hosts.join(", ")})` : undefined}
          label="Host"
          name="host"
          placeholder="http://example.test:8000"
          slotProps={{ inputLabel: { shrink: true } }}
        />
        <Accordion disableGutters variant="outlined">
          <AccordionSummary expandIcon={<ExpandMore />}>Advanced options</AccordionSummary>
          <AccordionDetails>
            <TextField
              defaultValue={swarm.runTime ?? ""}
              disabled={isShaped}
              fullWidth
              helperText="Such as 20, 20s, 3m, 2h, 1h20m, 3h30m10s; empty: until somebody stops it"
              label="Run time"
              name="run_time"
            />
          </AccordionDetails>
        </Accordion>
        <End label="Start" problem={problem} />
      </Box>
    </form>
  );
}

/** The form that changes the run that is on. It names no classes: those that run stay. */
export function EditForm({ onGranted }: Props) {
  const { numUsers, spawnRate } = useStore(({ swarm }) => swarm);
  const { problem, submit } = useSubmit(onGranted, async (fields) => void (await ask("swarm", { method: "POST", body: fields })));
  return (
    <form noValidate onSubmit={submit}>
      <Box sx={{ display: "flex", flexDirection: "column", rowGap: 3, pt: 1 }}>
        <Users isShaped={false} rate={spawnRate} users={numUsers} />
        <End label="Update" problem={problem} />
      </Box>
    </form>
  );
}

interface UsersProps {
  /** A shape says how many there are. */
  isShaped: boolean;
  users: number;
  rate: number;
}

function Users({ isShaped, users, rate }: UsersProps) {
  const helperText = isShaped ? "The shape says how many users there are" : undefined;
  return (
    <>
      <TextField
        defaultValue={users || 1}
        disabled={isShaped}
        helperText={helperText}
        label="Number of users (peak concurrency)"
        name="user_count"
        required
        slotProps={{ htmlInput: { inputMode: "numeric" } }}
      />
      <TextField
        defaultValue={rate || 1}
        disabled={isShaped}
        label="Ramp up (users started/second)"
        name="spawn_rate"
        required
        slotProps={{ htmlInput: { inputMode: "decimal" } }}
      />
    </>
  );
}

interface EndProps {
  label: string;
  problem: string | null;
}

function End({ label, problem }: EndProps) {
  return (
    <>
      {problem && <Alert severity="error">{problem}</Alert>}
      <Button size="large" type="submit" variant="contained">
        {label}
      </Button>
    </>
  );
}

/** Sends what the form holds, and says what is wrong with it: what needs no server at once. */
function useSubmit(onGranted: (() => void) | undefined, send: (fields: URLSearchParams) => Promise<void>) {
  const [problem, setProblem] = useState<string | null>(null);
  async function sendForm(form: HTMLFormElement): Promise<void> {
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (typeof value === "string" && value.trim() !== "") fields.append(name, value.trim());
    }
    try {
      refuseNobody(form);
      await send(fields);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      setProblem(problem.message);
      return;
    }
    setProblem(null);
    const asked = fields.get("user_count");
    setSwarm({ state: "running", ...(asked && { numUsers: Number(asked) }) });
    refresh();
    onGranted?.();
  }
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    void sendForm(event.currentTarget);
  };
  return { problem, submit };
}

/** @throws {Problem} when nobody is to be started. */
function refuseNobody(form: HTMLFormElement): void {
  const field = form.elements.namedItem("user_count");
  if (!(field instanceof HTMLInputElement) || field.disabled) return;
  const users = field.value.trim();
  if (users !== "" && !(Number(users) <= 0)) return;
  field.focus();
  throw new Problem("Number of users: write a whole number of 1 or more. To end a run, stop it.", 0);
}
