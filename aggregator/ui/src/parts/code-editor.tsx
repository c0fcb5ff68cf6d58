// The editor of TOML: CodeMirror with marks beside lines, and what a schema knows to complete. It is loaded when somebody
// opens it.
import { autocompletion, completionKeymap, type Completion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, indentUnit, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { toml } from "@codemirror/legacy-modes/mode/toml";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import Box from "@mui/material/Box";
import { useTheme } from "@mui/material/styles";
import { useEffect, useImperativeHandle, useRef, type Ref } from "react";

import { keysAt, valuesAt, type Schema } from "./json-schema";
import { placeAt } from "./toml-place";

export interface EditorHandle {
  /** Selects a line, and scrolls there. */
  goTo: (line: number) => void;
}

export interface EditorProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** Lines that are marked, and why. */
  mistakes: { line: number; message: string }[];
  /** What there is to complete. */
  schema: Schema | null;
  ref: Ref<EditorHandle>;
}

export default function CodeEditor({ label, value, onChange, mistakes, schema, ref }: EditorProps) {
  const isDark = useTheme().palette.mode === "dark";
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<EditorView | null>(null);
  const theme = useRef(new Compartment());
  // what the editor calls is what the page has by then
  const latest = useRef({ onChange, schema });
  latest.current = { onChange, schema };

  useEffect(() => {
    if (!place.current) return;
    const changes = EditorView.updateListener.of((update) => {
      if (update.docChanged) latest.current.onChange(update.state.doc.toString());
    });
    const complete = (context: CompletionContext) => completions(context, latest.current.schema);
    const view = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: value,
        extensions: [...BASE, EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }), autocompletion({ override: [complete] }), changes, theme.current.of(coloured(isDark))],
      }),
    });
    editor.current = view;
    return () => view.destroy();
  }, []);

  useEffect(() => {
    const view = editor.current;
    if (!view || view.state.doc.toString() === value) return;
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: value } });
  }, [value]);

  useEffect(() => editor.current?.dispatch({ effects: theme.current.reconfigure(coloured(isDark)) }), [isDark]);

  useEffect(() => {
    const view = editor.current;
    if (!view) return;
    const { doc } = view.state;
    const diagnostics = mistakes.map(({ line, message }) => {
      const { from, to, text } = doc.line(Math.min(Math.max(line, 1), doc.lines));
      return { from: from + (text.length - text.trimStart().length), to, severity: "error" as const, message };
    });
    view.dispatch(setDiagnostics(view.state, diagnostics));
  }, [mistakes]);

  useImperativeHandle(ref, () => ({
    goTo(line) {
      const view = editor.current;
      if (!view) return;
      const { from, to } = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
      view.dispatch({ selection: { anchor: from, head: to }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
      view.focus();
    },
  }));

  return <Box ref={place} sx={{ height: "65vh", minHeight: 240, border: 1, borderColor: "divider", borderRadius: 1, overflow: "hidden", minWidth: 0 }} />;
}

/** Milliseconds after Escape in which Tab leaves the text, whatever else Escape is for then. */
const LEAVING = 2_000;

function leaveByTab(view: EditorView): boolean {
  view.setTabFocusMode(LEAVING);
  return false;
}

const BASE: Extension[] = [
  lineNumbers(),
  lintGutter(),
  history(),
  drawSelection(),
  highlightActiveLine(),
  highlightSelectionMatches(),
  bracketMatching(),
  search({ top: true }),
  indentUnit.of("  "),
  StreamLanguage.define(toml),
  keymap.of([{ key: "Escape", run: leaveByTab }, ...completionKeymap, ...lintKeymap, ...searchKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab]),
];

/** Keys, headings and values of the schema at this place. */
function completions(context: CompletionContext, schema: Schema | null): CompletionResult | null {
  const place = schema && placeAt(context.state.doc.toString(), context.pos);
  if (!schema || !place) return null;
  const { kind, path, from, isQuoted } = place;
  if (!context.explicit && from === context.pos && kind !== "heading") return null;
  const known = kind === "value" ? valuesAt(schema, path) : keysAt(schema, path);
  const texts = kind === "heading" ? known.filter(({ isTable }) => isTable) : known;
  const options = texts.map(({ text, description, type }): Completion => {
    const label = isQuoted && text.startsWith('"') ? text.slice(1, -1) : text;
    return {
      label,
      type: kind === "value" ? "constant" : "property",
      detail: type,
      ...(description && { info: description }),
      ...(kind === "key" && !/^\s*=/.test(context.state.sliceDoc(context.pos, context.pos + 20)) && { apply: `${label} = ` }),
    };
  });
  return options.length > 0 ? { from, options, validFor: /^[\w-]*$/ } : null;
}

const COLOURS = {
  light: { comment: "#5f6b63", string: "#8a3b00", number: "#6a1b9a", key: "#0d47a1", heading: "#14632f" },
  dark: { comment: "#a3b0a7", string: "#ffb27a", number: "#d7a6f0", key: "#90caf9", heading: "#7ee2a0" },
};

/** In the colours of the page by day or by night. */
function coloured(isDark: boolean): Extension {
  const { comment, string, number, key, heading } = isDark ? COLOURS.dark : COLOURS.light;
  const [text, soft, line, paper, shade] = isDark
    ? ["#fff", "#c7c7c7", "#ffffff1f", "#1e1e1e", "#ffffff14"]
    : ["#1d1d1d", "#5c5c5c", "#0000001f", "#fff", "#0000000a"];
  const highlight = HighlightStyle.define([
    { tag: tags.comment, color: comment },
    { tag: tags.string, color: string },
    { tag: [tags.number, tags.bool, tags.atom], color: number },
    { tag: tags.propertyName, color: key },
    { tag: tags.bracket, color: heading },
  ]);
  const theme = EditorView.theme(
    {
      "&": { height: "100%", fontSize: "13px", color: text, backgroundColor: paper },
      "&.cm-focused": { outline: "2px solid #15803d", outlineOffset: "-2px" },
      ".cm-scroller": { fontFamily: "ui-monospace, monospace", lineHeight: "20px" },
      ".cm-content": { caretColor: text },
      ".cm-cursor": { borderLeftColor: text },
      ".cm-gutters": { color: soft, backgroundColor: paper, borderRight: `1px solid ${line}` },
      ".cm-activeLine": { backgroundColor: shade },
      "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: isDark ? "#2f5d43" : "#cfe8d8" },
      ".cm-selectionMatch": { backgroundColor: isDark ? "#ffffff24" : "#15803d22" },
      ".cm-tooltip, .cm-panels": { color: text, backgroundColor: isDark ? "#2b2b2b" : "#fff", borderColor: line },
      ".cm-tooltip-autocomplete > ul > li[aria-selected]": { color: "#fff", backgroundColor: "#15803d" },
      ".cm-completionDetail": { color: "inherit", fontStyle: "normal", marginLeft: "1em" },
      ".cm-completionInfo": { maxWidth: "320px" },
      ".cm-diagnostic-error": { borderLeftColor: isDark ? "#ff8a80" : "#c62828" },
    },
    { dark: isDark },
  );
  return [theme, syntaxHighlighting(highlight)];
}
