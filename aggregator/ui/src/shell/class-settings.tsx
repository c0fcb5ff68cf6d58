// What holds for a user class in the runs that follow: `POST /user`.
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import FormGroup from "@mui/material/FormGroup";
import FormLabel from "@mui/material/FormLabel";
import TextField from "@mui/material/TextField";
import { useState, type FormEvent } from "react";

import { Dialog } from "../parts/dialog";
import { ask, Problem } from "../server";
import { useStore } from "../store";
import { askForTemplateArgs } from "./template-args";

interface Props {
  name: string;
  onClose: () => void;
}

export function ClassSettings({ name, onClose }: Props) {
  const { availableUserTasks, users } = useStore(({ swarm }) => swarm);
  const user = users[name];
  const [tasks, setTasks] = useState(user?.tasks ?? []);
  const [problem, setProblem] = useState<string | null>(null);
  async function save(form: FormData): Promise<void> {
    const body = JSON.stringify({
      user_class_name: name,
      weight: figure(form.get("weight")),
      fixed_count: figure(form.get("fixed_count")),
      host: form.get("host"),
      tasks,
    });
    try {
      await ask("user", { method: "POST", body, headers: { "content-type": "application/json" } });
      await askForTemplateArgs();
      onClose();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      setProblem(problem.message);
    }
  }
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    // the form around the picker is another one
    event.stopPropagation();
    void save(new FormData(event.currentTarget));
  }
  const toggle = (task: string) => setTasks(tasks.includes(task) ? tasks.filter((other) => other !== task) : [...tasks, task]);
  return (
    <Dialog isOpen onClose={onClose} title={`${name} Settings`}>
      <form onSubmit={submit}>
        <Box sx={{ display: "flex", flexDirection: "column", rowGap: 3, pt: 1 }}>
          <Box component="fieldset" sx={{ border: 0, p: 0, m: 0 }}>
            <FormLabel component="legend">Tasks</FormLabel>
            <FormGroup>
              {(availableUserTasks[name] ?? []).map((task) => (
                <FormControlLabel
                  control={<Checkbox checked={tasks.includes(task)} onChange={() => toggle(task)} size="small" />}
                  key={task}
                  label={task}
                />
              ))}
            </FormGroup>
          </Box>
          <TextField defaultValue={user?.host ?? ""} label="Host" name="host" />
          <TextField defaultValue={user?.weight ?? 1} helperText="With 0 the class does not run" label="Weight" name="weight" />
          <TextField
            defaultValue={user?.fixedCount ?? 0}
            helperText="An exact number of users; with 0 it goes by weight"
            label="Fixed count"
            name="fixed_count"
          />
          {problem && <Alert severity="error">{problem}</Alert>}
          <Button size="large" type="submit" variant="contained">
            Save
          </Button>
        </Box>
      </form>
    </Dialog>
  );
}

/** What is no figure is sent as it is: the server says what is wrong with it. */
function figure(value: FormDataEntryValue | null): unknown {
  const number = Number(value);
  return value === "" || Number.isNaN(number) ? value : number;
}
