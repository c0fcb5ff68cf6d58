// The buttons that start, change, stop and reset; what would be lost by a click is asked about first.
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Tooltip from "@mui/material/Tooltip";
import { useState } from "react";

import { Dialog } from "../parts/dialog";
import { count, dateTime, duration } from "../parts/figures";
import { ask, Problem, type Answers } from "../server";
import { refresh } from "../statistics/poll";
import { useStore } from "../store";
import { EditForm, StartForm } from "./forms";
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
        <FormButton label="New" title="Start new load test">
          {(close) => <StartForm onGranted={close} />}
        </FormButton>
      ) : (
        <>
          <FormButton isDisabled={hasShape} label="Edit" title="Edit running load test">
            {(close) => <EditForm onGranted={close} />}
          </FormButton>
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
    `This run was not started from this browser: somebody else, a schedule or a command line started it at ${dateTime(run.started)}. ` +
    `${count(run.user_count)} users would stop; the figures stay.`
  );
}

function lostByReset(run: Answers["RunRow"]): string | null {
  const since = run.reset ?? run.started;
  const counted = run.started + run.duration - since;
  if (counted <= LITTLE || run.num_requests === 0) return null;
  return (
    `The statistics, charts, failures and A/B of ${duration(counted)} would be lost: ${count(run.num_requests)} requests and ` +
    `${count(run.num_failures)} failures, counted since ${dateTime(since)}. The ledger goes on. ` +
    `Download Data keeps them as files.`
  );
}

interface FormButtonProps {
  isDisabled?: boolean;
  label: string;
  title: string;
  children: (close: () => void) => React.ReactNode;
}

/** Opens a form, once it knows what classes and figures there are by now. */
function FormButton({ isDisabled = false, label, title, children }: FormButtonProps) {
  const [isOpen, setOpen] = useState(false);
  const notify = useNotice();
  async function open() {
    try {
      await askForTemplateArgs();
      setOpen(true);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      notify(problem.message);
    }
  }
  const close = () => setOpen(false);
  return (
    <>
      <Tooltip title={isDisabled ? "A shape says how many users there are" : ""}>
        <span>
          <Button color="inherit" disabled={isDisabled} onClick={() => void open()} variant="outlined">
            {label}
          </Button>
        </span>
      </Tooltip>
      <Dialog isOpen={isOpen} onClose={close} title={title}>
        {children(close)}
      </Dialog>
    </>
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

/** Posts, and says what is wrong if it is refused. */
function ActionButton({ busy, isBusy = false, isWeighty = false, label, path, question }: ActionButtonProps) {
  const [isAsking, setAsking] = useState(false);
  const [asked, setAsked] = useState<string | null>(null);
  const notify = useNotice();
  async function act(isSure: boolean) {
    setAsked(null);
    setAsking(true);
    try {
      const run = isSure ? null : await askForNewestRun();
      const found = run && question(run);
      if (found) {
        setAsked(found);
        return;
      }
      await ask(path, { method: "POST" });
      refresh();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      notify(problem.message);
    } finally {
      setAsking(false);
    }
  }
  const shown = isAsking || isBusy ? busy : label;
  const close = () => setAsked(null);
  return (
    <>
      <Button
        color={isWeighty ? "error" : "inherit"}
        disabled={shown === busy}
        onClick={() => void act(false)}
        variant={isWeighty ? "contained" : "outlined"}
      >
        {shown}
      </Button>
      <Dialog
        actions={
          <>
            <Button autoFocus onClick={close}>
              Cancel
            </Button>
            <Button color="error" onClick={() => void act(true)} variant="contained">
              {label}
            </Button>
          </>
        }
        isOpen={asked !== null}
        onClose={close}
        title={`${label}?`}
      >
        {asked}
      </Dialog>
    </>
  );
}
