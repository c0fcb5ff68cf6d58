// A trace's id: to be copied, and a link where the server knows of a place to look at traces.
import ContentCopy from "@mui/icons-material/ContentCopy";
import Box from "@mui/material/Box";
import IconButton from "@mui/material/IconButton";
import Link from "@mui/material/Link";

import { useNotice } from "../shell/notices";
import { useStore } from "../store";
import { NONE } from "./figures";

export function Trace({ id }: { id: string | null }) {
  const template = useStore(({ swarm }) => swarm.traceUrl);
  const notify = useNotice();
  if (!id) return NONE;
  async function copy(id: string) {
    try {
      await navigator.clipboard.writeText(id);
      notify("The trace id is copied.", "success");
    } catch {
      // a page without TLS has no clipboard but its own selection
      notify(`This browser lets no page without TLS copy: the trace id is ${id}.`, "info");
    }
  }
  return (
    <Box sx={{ display: "flex", alignItems: "center", fontFamily: "ui-monospace, monospace", fontSize: 12 }}>
      {template ? (
        <Link href={template.replaceAll("{trace_id}", id)} rel="noreferrer" target="_blank">
          {id}
        </Link>
      ) : (
        id
      )}
      <IconButton aria-label={`Copy trace id ${id}`} onClick={() => void copy(id)} size="small" title="Copy">
        <ContentCopy sx={{ fontSize: 16 }} />
      </IconButton>
    </Box>
  );
}
