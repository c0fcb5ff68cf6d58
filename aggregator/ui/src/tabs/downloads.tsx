// All figures as files, and as a report that can be sent on.
import Alert from "@mui/material/Alert";
import Link from "@mui/material/Link";
import List from "@mui/material/List";
import ListItem from "@mui/material/ListItem";

import { useRun } from "../shell/shown-run";
import { useStore } from "../store";

const FILES = [
  { path: "stats/requests/csv", title: "Download requests CSV" },
  { path: "stats/requests_full_history/csv", title: "Download full request statistics history CSV" },
  { path: "stats/failures/csv", title: "Download failures CSV" },
  { path: "exceptions/csv", title: "Download exceptions CSV" },
  { path: "ab/csv", title: "Download A/B CSV" },
  { path: "ledger/csv", title: "Download ledger CSV" },
];

/** Answers of the API, to keep. */
const JSONS = [
  { path: "ab", name: "ab.json", title: "Download A/B JSON" },
  { path: "ledger", name: "ledger.json", title: "Download ledger JSON" },
];

export function DownloadsTab() {
  const { path, run } = useRun();
  const theme = useStore(({ isDark }) => (isDark ? "dark" : "light"));
  const isEmpty = useStore(({ figures }) => figures.stats.length === 1 && figures.stats[0]?.numRequests === 0);
  return (
    <>
      {isEmpty && run === null && <Alert severity="info">No request was sent yet: the files have nothing but their headings.</Alert>}
      <List>
        {FILES.map((file) => (
          <ListItem disableGutters key={file.path}>
            <Link href={`./${path}${file.path}`}>{file.title}</Link>
          </ListItem>
        ))}
        {JSONS.map((file) => (
          <ListItem disableGutters key={file.path}>
            <Link download={file.name} href={`./${path}${file.path}`}>
              {file.title}
            </Link>
          </ListItem>
        ))}
        <ListItem disableGutters>
          <Link href={`./${path}stats/report?theme=${theme}`} target="_blank">
            Download Report
          </Link>
        </ListItem>
      </List>
    </>
  );
}
