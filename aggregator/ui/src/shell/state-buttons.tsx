// The buttons that start, change, stop and reset.
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Tooltip from "@mui/material/Tooltip";
import { Modal } from "locust-ui";
import { useState } from "react";

import { ask, Problem } from "../server";
import { useStore } from "../store";
import { takeHistory } from "../statistics/history";
import { refresh } from "../statistics/poll";
import { Form } from "./forms";
import { useNotice } from "./notices";
import { askForTemplateArgs } from "./template-args";

/** New, or Edit and Stop, and Reset; nothing before the first run, when the form is the page. */
export function StateButtons() {
  const state = useStore(({ swarm }) => swarm.state);
  const hasShape = useStore(({ swarm }) => swarm.hideCommonOptions);
  if (state === "ready") return null;
  return (
    <Box sx={{ display: "flex", columnGap: 2, my: "auto", height: 50 }}>
      {state === "stopped" ? (
        <FormButton color="success" label="New" />
      ) : (
        <>
          <FormButton color="secondary" isDisabled={hasShape} isEdit label="Edit" />
          <ActionButton busy="Stopping" color="error" isBusy={state === "stopping"} label="Stop" path="stop" />
        </>
      )}
      <ActionButton busy="Resetting" color="warning" label="Reset" onDone={takeHistory} path="stats/reset" />
    </Box>
  );
}

interface FormButtonProps {
  color: "success" | "secondary";
  isDisabled?: boolean;
  isEdit?: boolean;
  label: string;
}

/** Opens the form, once it knows what classes and figures there are by now. */
function FormButton({ color, isDisabled = false, isEdit = false, label }: FormButtonProps) {
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
        <Box component="span">
          <Button
            color={color}
            disabled={isDisabled}
            onClick={() => void open()}
            sx={{ height: "100%" }}
            type="button"
            variant="contained"
          >
            {label}
          </Button>
        </Box>
      </Tooltip>
      <Modal onClose={close} open={isOpen}>
        <Form isEdit={isEdit} onGranted={close} />
      </Modal>
    </>
  );
}

interface ActionButtonProps {
  busy: string;
  color: "error" | "warning";
  isBusy?: boolean;
  label: string;
  onDone?: () => Promise<void>;
  path: string;
}

/** Posts, and says what is wrong if it is refused. */
function ActionButton({ busy, color, isBusy = false, label, onDone, path }: ActionButtonProps) {
  const [isAsking, setAsking] = useState(false);
  const notify = useNotice();
  async function act() {
    setAsking(true);
    try {
      await ask(path, { method: "POST" });
      refresh();
      await onDone?.();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      notify(problem.message);
    } finally {
      setAsking(false);
    }
  }
  const shown = isAsking || isBusy ? busy : label;
  return (
    <Button color={color} disabled={shown === busy} onClick={() => void act()} type="button" variant="contained">
      {shown}
    </Button>
  );
}
