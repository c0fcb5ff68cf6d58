// The workload file that the next run is made of: read, edit, validate, save.
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Link from "@mui/material/Link";
import Typography from "@mui/material/Typography";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { Dialog } from "../parts/dialog";
import { Editor, type EditorHandle } from "../parts/editor";
import type { Schema } from "../parts/json-schema";
import { Loading } from "../parts/quiet";
import { Section } from "../parts/section";
import { useAnswer } from "../parts/use-answer";
import { ask, Problem, type Answers } from "../server";
import { askForTemplateArgs } from "../shell/template-args";
import { draft, forgetDraft, keepDraft } from "./workload-draft";

type Mistake = Answers["WorkloadMistake"];

interface Said {
  message: string;
  severity: "success" | "error" | "info";
  mistakes?: Mistake[];
}

/** The text as the server has it, with the entity tag that says which one that is. */
interface Saved {
  text: string;
  etag: string;
}

/** Milliseconds after the last key until the server is asked for mistakes. */
const TYPED = 700;

export function WorkloadTab() {
  const [saved, setSaved] = useState<Saved | null>(null);
  const [text, setText] = useState("");
  const [said, setSaid] = useState<Said | null>(null);
  const [mistakes, setMistakes] = useState<Mistake[] | null>(null);
  const [isGivenUp, setGivenUp] = useState<(() => void) | null>(null);
  const editor = useRef<EditorHandle>(null);
  const schema = useSchema();
  const isChanged = saved !== null && text !== saved.text;

  async function read(): Promise<void> {
    await saying(setSaid, async () => {
      const { body, etag } = await ask("workload");
      const now = { text: String(body), etag: etag ?? "" };
      const kept = draft();
      setMistakes(null);
      if (!kept || kept.text === now.text) {
        forgetDraft();
        setSaved(now);
        setText(now.text);
        return null;
      }
      // a draft of another workload is refused when it is saved
      setSaved({ text: now.text, etag: kept.etag });
      setText(kept.text);
      const message =
        kept.etag === now.etag
          ? "This is your draft of before; it is not saved."
          : "This is your draft of before. The workload was changed since: \"Read again\" gives the draft up and shows what there is now.";
      return { message, severity: "info" };
    });
  }

  useEffect(() => void read(), []);
  useDraft(saved, text);
  useMistakes(isChanged ? text : null, setMistakes);

  const show = useCallback((said: Said | null) => {
    setSaid(said);
    if (said?.mistakes?.length) setMistakes(said.mistakes);
  }, []);

  const validate = () =>
    saying(show, async () => {
      const { body } = await ask("workload?check=true", { method: "PUT", body: text });
      setMistakes([]);
      return { message: (body as Answers["WorkloadChosen"]).message, severity: "success" };
    });

  const save = useCallback(async () => {
    if (!saved || text === saved.text) return setSaid({ message: "There is nothing to save: this is the workload as it is.", severity: "info" });
    await saying(show, async () => {
      const headers = { "if-match": saved.etag };
      const { body, etag } = await ask("workload", { method: "PUT", body: text, headers });
      forgetDraft();
      setMistakes([]);
      setSaved({ text, etag: etag ?? "" });
      await askForTemplateArgs();
      return { message: (body as Answers["WorkloadChosen"]).message, severity: "success" };
    });
  }, [saved, text]);

  useSaveKey(save);

  /** Does what gives the draft up, once somebody has said that it may go. */
  function givingUp(act: () => void): void {
    if (isChanged) setGivenUp(() => act);
    else act();
  }

  const marked = useMemo(() => mistakes ?? [], [mistakes]);

  function write(written: string): void {
    setText(written);
    // they were those of the text before
    if (said?.mistakes?.length) setSaid(null);
  }

  if (!saved) {
    if (!said) return <Loading what="workload" />;
    return (
      <Alert action={<Button color="inherit" onClick={() => void read()}>Try again</Button>} severity="warning">
        {said.message}
      </Alert>
    );
  }
  return (
    <Section
      about="Hosts, user classes, tasks and checks, in TOML. What is saved holds for the runs that start after it; a run that is on goes on with its own."
      actions={
        <>
          <Button disabled={!isChanged} onClick={() => givingUp(() => giveUp(() => setText(saved.text)))}>
            Undo all
          </Button>
          <Button onClick={() => givingUp(() => giveUp(() => void read()))}>Read again</Button>
          <Button onClick={() => void validate()} variant="outlined">
            Validate
          </Button>
          <Button disabled={!isChanged} onClick={() => void save()} variant="contained">
            Save
          </Button>
        </>
      }
      title="Workload"
    >
      {said && (
        <Alert onClose={() => setSaid(null)} severity={said.severity} sx={{ mb: 2 }}>
          {said.message}
          <Mistakes mistakes={said.mistakes ?? []} onOpen={(line) => editor.current?.goTo(line)} />
        </Alert>
      )}
      <Editor label="Workload" mistakes={marked} onChange={write} ref={editor} schema={schema} value={text} />
      <Box sx={{ display: "flex", flexWrap: "wrap", justifyContent: "space-between", columnGap: 3, mt: 1 }}>
        <Typography component="div" role="status" variant="body2">
          {standing(isChanged, mistakes)}
          {!said?.mistakes?.length && <Mistakes mistakes={isChanged ? (mistakes ?? []) : []} onOpen={(line) => editor.current?.goTo(line)} />}
        </Typography>
        <Typography color="text.secondary" variant="body2">
          Ctrl-Space completes, Ctrl-S saves, Tab indents; Escape and then Tab leaves the text.
        </Typography>
      </Box>
      <Dialog
        actions={
          <>
            <Button onClick={() => setGivenUp(null)}>Keep it</Button>
            <Button
              color="error"
              onClick={() => {
                isGivenUp?.();
                setGivenUp(null);
              }}
              variant="contained"
            >
              Give it up
            </Button>
          </>
        }
        isOpen={isGivenUp !== null}
        onClose={() => setGivenUp(null)}
        title="Give the draft up?"
      >
        What you have changed is not saved, and would be lost.
      </Dialog>
    </Section>
  );

  function giveUp(then: () => void): void {
    forgetDraft();
    setMistakes(null);
    setSaid(null);
    then();
  }
}

function standing(isChanged: boolean, mistakes: Mistake[] | null): string {
  if (!isChanged) return "This is the workload as it is saved.";
  if (mistakes === null) return "A draft, not saved.";
  if (mistakes.length === 0) return "A draft, not saved; it is valid.";
  return `A draft, not saved, with ${mistakes.length === 1 ? "a mistake" : `${mistakes.length} mistakes`}:`;
}

interface MistakesProps {
  mistakes: Mistake[];
  onOpen: (line: number) => void;
}

/** As many as somebody mends before the next look. */
const LISTED = 20;

const Mistakes = ({ mistakes, onOpen }: MistakesProps) => (
  <>
    {mistakes.slice(0, LISTED).map(({ line, message }) => (
      <Box key={`${line} ${message}`} sx={{ overflowWrap: "anywhere" }}>
        <Link component="button" onClick={() => onOpen(line)} type="button">
          Line {line}
        </Link>
        : {message}
      </Box>
    ))}
    {mistakes.length > LISTED && <Box>and {mistakes.length - LISTED} more</Box>}
  </>
);

/** What the editor completes from; a server without a schema has no completion. */
function useSchema(): Schema | null {
  const { answer } = useAnswer<Schema | string>("workload/schema");
  return useMemo(() => (typeof answer === "string" ? (JSON.parse(answer) as Schema) : answer), [answer]);
}

/** Keeps what is not saved; where the browser keeps nothing it asks before the page is left. */
function useDraft(saved: Saved | null, text: string): void {
  useEffect(() => {
    if (!saved) return;
    if (text === saved.text) return forgetDraft();
    if (keepDraft({ text, etag: saved.etag })) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [saved, text]);
}

/** Asks the server for the mistakes of a text once nobody has typed for a while. */
function useMistakes(text: string | null, setMistakes: (mistakes: Mistake[] | null) => void): void {
  useEffect(() => {
    if (text === null) return;
    const end = new AbortController();
    async function check(text: string): Promise<void> {
      try {
        await ask("workload?check=true", { method: "PUT", body: text, signal: end.signal });
        setMistakes([]);
      } catch (problem) {
        if (end.signal.aborted) return;
        if (!(problem instanceof Problem)) throw problem;
        setMistakes(problem.errors.length > 0 ? problem.errors : null);
      }
    }
    const timer = setTimeout(() => void check(text), TYPED);
    return () => {
      clearTimeout(timer);
      end.abort();
    };
  }, [text]);
}

/** Ctrl-S, or Command-S, wherever somebody is in the tab. */
function useSaveKey(save: () => Promise<void>): void {
  useEffect(() => {
    function pressed(event: KeyboardEvent): void {
      if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      void save();
    }
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [save]);
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
