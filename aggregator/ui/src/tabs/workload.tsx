// The workload file that the next run is made of: read, edit, validate, save.
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import CircularProgress from "@mui/material/CircularProgress";
import Link from "@mui/material/Link";
import { useEffect, useRef, useState } from "react";

import { Editor, type EditorHandle } from "../parts/editor";
import { Section } from "../parts/section";
import { ask, Problem, type Answers } from "../server";
import { askForTemplateArgs } from "../shell/template-args";

interface Said {
  message: string;
  severity: "success" | "error" | "info";
  mistakes?: Answers["WorkloadMistake"][];
}

/** The text as the server has it, with the entity tag that says which one that is. */
interface Saved {
  text: string;
  etag: string;
}

export function WorkloadTab() {
  const [saved, setSaved] = useState<Saved | null>(null);
  const [text, setText] = useState("");
  const [said, setSaid] = useState<Said | null>(null);
  const editor = useRef<EditorHandle>(null);

  async function read(): Promise<void> {
    await saying(setSaid, async () => {
      const { body, etag } = await ask("workload");
      setSaved({ text: String(body), etag: etag ?? "" });
      setText(String(body));
      return null;
    });
  }

  useEffect(() => void read(), []);

  const validate = () =>
    saying(setSaid, async () => {
      const { body } = await ask("workload?check=true", { method: "PUT", body: text });
      return { message: (body as Answers["WorkloadChosen"]).message, severity: "success" };
    });

  const save = (saved: Saved) =>
    saying(setSaid, async () => {
      const headers = { "if-match": saved.etag };
      const { body, etag } = await ask("workload", { method: "PUT", body: text, headers });
      setSaved({ text, etag: etag ?? "" });
      await askForTemplateArgs();
      return { message: (body as Answers["WorkloadChosen"]).message, severity: "success" };
    });

  if (!saved) {
    return said ? <Alert severity="warning">{said.message}</Alert> : <CircularProgress aria-label="Loading" />;
  }
  const isChanged = text !== saved.text;
  return (
    <Section
      about="Hosts, user classes, tasks and checks, in TOML. What is saved holds for the runs that start after it; a run that is on goes on with its own."
      actions={
        <>
          <Button disabled={!isChanged} onClick={() => setText(saved.text)}>
            Undo all
          </Button>
          <Button onClick={() => void read()}>Read again</Button>
          <Button onClick={() => void validate()} variant="outlined">
            Validate
          </Button>
          <Button disabled={!isChanged} onClick={() => void save(saved)} variant="contained">
            Save
          </Button>
        </>
      }
      title="Workload"
    >
      {said && (
        <Alert onClose={() => setSaid(null)} severity={said.severity} sx={{ mb: 2 }}>
          {said.message}
          {said.mistakes?.map(({ line, message }) => (
            <Box key={`${line} ${message}`}>
              <Link component="button" onClick={() => editor.current?.goTo(line)} type="button">
                Line {line}
              </Link>
              : {message}
            </Box>
          ))}
        </Alert>
      )}
      <Editor
        label="Workload"
        marked={new Set(said?.mistakes?.map(({ line }) => line))}
        onChange={setText}
        ref={editor}
        value={text}
      />
    </Section>
  );
}

/** Does something with the server, and shows what came of it; with several mistakes, each with its line. */
async function saying(setSaid: (said: Said | null) => void, act: () => Promise<Said | null>): Promise<void> {
  try {
    setSaid(await act());
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    // the message ends with the first mistake, which the list begins with
    const [message = ""] = problem.errors.length > 0 ? problem.message.split(": line ") : [problem.message];
    setSaid({ message, severity: "error", mistakes: problem.errors });
  }
}
