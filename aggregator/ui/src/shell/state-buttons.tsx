// The buttons that start, change, stop and reset; what would be lost by a click is asked about first.
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Tooltip from "@mui/material/Tooltip";
import { useState } from "react";

import { count, dateTime, duration, zone } from "../parts/figures";
import { Problem, type Answers } from "../server";
import { useStore } from "../store";
import { useActions } from "./actions";
import { askForNewestRun, wasStartedHere } from "./newest-run";
import { useNotice } from "./notices";
import { askForTemplateArgs } from "./template-args";

/** New, or Edit and Stop, and Reset; nothing before the first run, when the form is the page. */
export function StateButtons() {
  const state = useStore(({ swarm }) => swarm.state);
  const hasShape = useStore(({ swarm }) => swarm.hideCommonOptions);
  if (state === "ready") return null;
  return (
    <Box sx={{ display: "flex", gap: 1 }}>
      {state === "stopped" ? (
        <FormButton form="start" label="New" />
      ) : (
        <>
          <FormButton form="edit" isDisabled={hasShape} label="Edit" />
          <ActionButton
            busy="Stopping"
            isBusy={state === "stopping"}
            isWeighty
            label="Stop"
            path="stop"
            question={(run) => (wasStartedHere(run) ? null : othersRun(run))}
          />
        </>
      )}
      <ActionButton busy="Resetting" label="Reset" path="stats/reset" question={lostByReset} />
    </Box>
  );
}

/** Seconds of statistics that may go without a question. */
const LITTLE = 60;

function othersRun(run: Answers["RunRow"]): string {
  return (
    `This run was not started from this browser: somebody else, a schedule or a command line started it at ${dateTime(run.started)} (${zone()}). ` +
    `${count(run.user_count)} users would stop; the figures stay.`
  );
}

function lostByReset(run: Answers["RunRow"]): string | null {
  const since = run.reset ?? run.started;
  const counted = run.started + run.duration - since;
  if (counted <= LITTLE || run.num_requests === 0) return null;
  return (
    `The statistics, charts, failures and A/B of ${duration(counted)} would leave the page: ${count(run.num_requests)} requests and ` +
    `${count(run.num_failures)} failures, counted since ${dateTime(since)} (${zone()}). They stay readable as a part of the run, on the ` +
    `tab Runs; of a run that is reset often the newest 20 parts stay. The ledger goes on.`
  );
}

interface FormButtonProps {
  form: "start" | "edit";
  isDisabled?: boolean;
  label: string;
}

/** Opens a form, once it knows what classes and figures there are by now. */
function FormButton({ form, isDisabled = false, label }: FormButtonProps) {
  const { show } = useActions();
  const notify = useNotice();
  async function open() {
    try {
      await askForTemplateArgs();
      show({ form });
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      notify(problem.message);
    }
  }
  return (
    <Tooltip title={isDisabled ? "A shape says how many users there are" : ""}>
      <span>
        <Button color="inherit" disabled={isDisabled} onClick={() => void open()} variant="outlined">
          {label}
        </Button>
      </span>
    </Tooltip>
  );
}

interface ActionButtonProps {
  busy: string;
  isBusy?: boolean;
  /** It stands out. */
  isWeighty?: boolean;
  label: string;
  path: string;
  /** What to ask before it is done to a run, if anything. */
  question: (run: Answers["RunRow"]) => string | null;
}

/** Does something to the run, once it was asked about where it has to be. */
function ActionButton({ busy, isBusy = false, isWeighty = false, label, path, question }: ActionButtonProps) {
  const [isAsking, setAsking] = useState(false);
  const { post, show } = useActions();
  async function act() {
    setAsking(true);
    const run = await askForNewestRun();
    const text = run && question(run);
    if (text) show({ label, path, text });
    else await post(path);
    setAsking(false);
  }
  const shown = isAsking || isBusy ? busy : label;
  return (
    <Button
      color={isWeighty ? "error" : "inherit"}
      disabled={shown === busy}
      onClick={() => void act()}
      variant={isWeighty ? "contained" : "outlined"}
    >
      {shown}
    </Button>
  );
}
