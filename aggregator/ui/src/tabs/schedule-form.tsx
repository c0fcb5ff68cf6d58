// The form that adds a schedule, or replaces the one of its name.
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import MenuItem from "@mui/material/MenuItem";
import TextField from "@mui/material/TextField";
import { useState, type FormEvent } from "react";

import { Section } from "../parts/section";
import { ask, Problem } from "../server";
import { useStore } from "../store";

const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

export function ScheduleForm({ onSaved }: { onSaved: () => void }) {
  const { availableShapeClasses: shapes, availableUserClasses: classes } = useStore(({ swarm }) => swarm);
  const [chosen, setChosen] = useState<string[]>([]);
  const [said, setSaid] = useState<{ message: string; isGood: boolean } | null>(null);

  async function save(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = event.currentTarget;
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (typeof value === "string" && value.trim() !== "") fields.append(name, value.trim());
    }
    for (const name of chosen) fields.append("user_classes", name);
    try {
      await ask("schedules", { method: "POST", body: fields });
      setSaid({ message: `Schedule ${fields.get("name")} is saved.`, isGood: true });
      form.reset();
      setChosen([]);
      onSaved();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      setSaid({ message: problem.message, isGood: false });
    }
  }

  return (
    <Section
      about="Start and stop are cron expressions: minute, hour, day of the month, month, day of the week. One of them may be left out, and a name that is taken replaces that schedule."
      title="Add a schedule"
    >
      <form onSubmit={(event) => void save(event)}>
        <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: "repeat(auto-fill, minmax(min(100%, 260px), 1fr))", mb: 2 }}>
          <TextField label="Name" name="name" placeholder="weekdays" required />
          <TextField label="Start (cron)" name="start" placeholder="0 9 * * 1-5" />
          <TextField label="Stop (cron)" name="stop" placeholder="0 17 * * 1-5" />
          <TimeZone />
          <TextField label="Number of users" name="user_count" slotProps={{ htmlInput: { inputMode: "numeric" } }} />
          <TextField label="Ramp up (users/s)" name="spawn_rate" slotProps={{ htmlInput: { inputMode: "decimal" } }} />
          <TextField label="Run time (such as 8h)" name="run_time" />
          <TextField label="Host" name="host" placeholder="each class's own" />
          <TextField
            label="User classes"
            onChange={(event) => setChosen(event.target.value as unknown as string[])}
            select
            slotProps={{
              inputLabel: { shrink: true },
              select: { multiple: true, displayEmpty: true, renderValue: () => chosen.join(", ") || "all" },
            }}
            value={chosen}
          >
            {classes.map((name) => (
              <MenuItem key={name} value={name}>
                {name}
              </MenuItem>
            ))}
          </TextField>
          {shapes.length > 1 && (
            <TextField defaultValue={shapes[0]} label="Shape class" name="shape_class" select>
              {shapes.map((name) => (
                <MenuItem key={name} value={name}>
                  {name}
                </MenuItem>
              ))}
            </TextField>
          )}
        </Box>
        {said && (
          <Alert severity={said.isGood ? "success" : "error"} sx={{ mb: 2 }}>
            {said.message}
          </Alert>
        )}
        <Button type="submit" variant="contained">
          Save
        </Button>
      </form>
    </Section>
  );
}

/** Any of the zones that the browser knows, to begin with the reader's own. */
function TimeZone() {
  return (
    <>
      <TextField
        defaultValue={HERE}
        label="Time zone"
        name="time_zone"
        required
        slotProps={{ htmlInput: { list: "time-zones" } }}
      />
      <datalist id="time-zones">
        {Intl.supportedValuesOf("timeZone").map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </>
  );
}
