// The editor of TOML, once it is loaded.
import Alert from "@mui/material/Alert";
import Button from "@mui/material/Button";
import { useEffect, useState, type ComponentType } from "react";

import type { EditorHandle, EditorProps } from "./code-editor";
import { Loading } from "./quiet";

export type { EditorHandle };

export function Editor(props: EditorProps) {
  const [editor, setEditor] = useState<{ component: ComponentType<EditorProps> } | null>(null);
  const [isAway, setAway] = useState(false);

  async function load(): Promise<void> {
    setAway(false);
    try {
      const { default: component } = await import("./code-editor");
      setEditor({ component });
    } catch {
      setAway(true);
    }
  }

  useEffect(() => void load(), []);

  if (editor) return <editor.component {...props} />;
  if (!isAway) return <Loading what="editor" />;
  return (
    <Alert
      action={
        <Button color="inherit" onClick={() => void load()} size="small">
          Try again
        </Button>
      }
      severity="warning"
    >
      The editor cannot be loaded: Cicada does not answer.
    </Alert>
  );
}
