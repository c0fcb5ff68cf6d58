// All figures as files, and as a report that can be sent on.
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
];

export function DownloadsTab() {
  const { path } = useRun();
  const theme = useStore(({ isDark }) => (isDark ? "dark" : "light"));
  return (
    <List>
      {FILES.map((file) => (
        <ListItem disableGutters key={file.path}>
          <Link href={`./${path}${file.path}`}>{file.title}</Link>
        </ListItem>
      ))}
      <ListItem disableGutters>
        <Link href={`./${path}stats/report?theme=${theme}`} target="_blank">
          Download Report
        </Link>
      </ListItem>
    </List>
  );
}
