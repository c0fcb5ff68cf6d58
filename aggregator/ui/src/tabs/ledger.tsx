// What was planned, and what became of it.
import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";

import { Answered } from "../parts/answered";
import { DataTable, type Column } from "../parts/data-table";
import { count, milliseconds, sentence } from "../parts/figures";
import { Section } from "../parts/section";
import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";
import { useRun } from "../shell/shown-run";
import { LedgerChart } from "./ledger-chart";

export function LedgerTab() {
  const { path, every } = useRun();
  const asked = useAnswer<Answers["Ledger"]>(`${path}ledger`, every(2_000));
  return (
    <Answered asked={asked} what="ledger">
      {(ledger) =>
        !ledger.run ? (
          <Alert severity="info">Nothing was planned yet: the ledger begins with the first run.</Alert>
        ) : (
          <>
            <Ledger ledger={ledger} />
            <LedgerChart />
          </>
        )
      }
    </Answered>
  );
}

/** The ledger of a run: the sum, what is wrong if anything is, and each class. */
function Ledger({ ledger }: { ledger: Answers["Ledger"] }) {
  const classes = Object.entries(ledger.classes).map(([name, account]) => ({ ...account, name }));
  return (
    <Section
      about="An iteration is one turn of one user. What was due is computed from the plan, so whatever was not sent shows here."
      title="Every planned iteration"
    >
      <Sum account={ledger} />
      <Trouble ledger={ledger} />
      <DataTable
        columns={columns}
        empty="No class has run."
        isBold={isTotal}
        keyOf={(row) => row.name}
        label="Iterations of each class"
        rows={[...classes, { ...ledger, name: TOTAL }]}
      />
    </Section>
  );
}

const TOTAL = "All classes";

const isTotal = (row: Row) => row.name === TOTAL;

type Row = Answers["Account"] & { name: string };

const columns: Column<Row>[] = [
  { title: "Class", cell: (row) => row.name, isName: true, isText: true, sortBy: (row) => row.name },
  { title: "Planned", cell: (row) => count(row.planned), sortBy: (row) => row.planned },
  { title: "Recorded", cell: (row) => count(row.recorded), sortBy: (row) => row.recorded },
  { title: "Skipped", cell: (row) => count(row.skipped), sortBy: (row) => row.skipped },
  { title: "Missing", cell: (row) => <Box sx={row.missing > 0 ? alarming : undefined}>{count(row.missing)}</Box>, sortBy: (row) => row.missing },
  { title: "Pending", cell: (row) => count(row.pending), sortBy: (row) => row.pending },
  { title: "Cut off", cell: (row) => count(row.cut_off), sortBy: (row) => row.cut_off },
  { title: "Failed", cell: (row) => count(row.failed), sortBy: (row) => row.failed },
  { title: "Lateness p50 (ms)", cell: (row) => milliseconds(row.lateness_ms.p50), sortBy: (row) => row.lateness_ms.p50 },
  { title: "p95 (ms)", cell: (row) => milliseconds(row.lateness_ms.p95), sortBy: (row) => row.lateness_ms.p95 },
  { title: "p99 (ms)", cell: (row) => milliseconds(row.lateness_ms.p99), sortBy: (row) => row.lateness_ms.p99 },
  { title: "Max (ms)", cell: (row) => milliseconds(row.lateness_ms.max), sortBy: (row) => row.lateness_ms.max },
];

const alarming = { color: "error.main", fontWeight: 700 };

/** planned = recorded + skipped + missing + pending, in figures. */
function Sum({ account }: { account: Answers["Account"] }) {
  const terms = [
    { sign: "", name: "planned", value: account.planned, about: "due so far" },
    { sign: "=", name: "recorded", value: account.recorded, about: "sent, and on record" },
    { sign: "+", name: "skipped", value: account.skipped, about: "their user was still busy" },
    { sign: "+", name: "missing", value: account.missing, about: "left no trace" },
    { sign: "+", name: "pending", value: account.pending, about: "may still come" },
  ];
  return (
    <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1.5, mb: 2 }}>
      {terms.map(({ sign, name, value, about }) => (
        <Box key={name} sx={{ display: "flex", alignItems: "center", gap: 1.5 }}>
          {sign && (
            <Typography color="text.secondary" component="span" variant="h5">
              {sign}
            </Typography>
          )}
          <Paper sx={{ minWidth: { xs: 96, sm: 120 }, px: { xs: 1, sm: 2 }, py: 1 }} variant="outlined">
            <Typography
              color={name === "missing" && value > 0 ? "error.main" : undefined}
              sx={{ fontVariantNumeric: "tabular-nums" }}
              component="div"
              variant="h5"
            >
              {count(value)}
            </Typography>
            <Typography variant="body2">{name}</Typography>
            <Typography color="text.secondary" variant="caption">
              {about}
            </Typography>
          </Paper>
        </Box>
      ))}
    </Box>
  );
}

/** What never happens, unless something is wrong. */
function Trouble({ ledger }: { ledger: Answers["Ledger"] }) {
  const { missing, duplicates, unplanned, unreadable_records, starved } = ledger;
  const said = [
    missing > 0 && `${count(missing)} iterations are missing: nothing ran, kept up, or could write then.`,
    duplicates > 0 && `${count(duplicates)} iterations ran once more than planned: a wake-up was delivered again.`,
    unplanned > 0 && `${count(unplanned)} iterations were on record without being planned.`,
    unreadable_records > 0 && `${count(unreadable_records)} records cannot be read; what they hold is missing.`,
    starved !== undefined && sentence(starved.message),
  ].filter((line) => line !== false);
  if (said.length === 0) return null;
  return (
    <Alert severity="warning" sx={{ mb: 2 }}>
      {said.map((line) => (
        <Box key={line}>{line}</Box>
      ))}
    </Alert>
  );
}
