// Expectations and templates that could not be evaluated.
import Box from "@mui/material/Box";

import { Answered } from "../parts/answered";
import { DataTable, type Column } from "../parts/data-table";
import { count } from "../parts/figures";
import { useAnswer } from "../parts/use-answer";
import { useRun } from "../shell/shown-run";
import type { Answers } from "../server";

type Exception = Answers["Exceptions"]["exceptions"][number];

const columns: Column<Exception>[] = [
  { title: "# occurrences", cell: (exception) => count(exception.count), sortBy: (exception) => exception.count },
  { title: "Message", cell: ({ msg }) => msg, isText: true, sortBy: ({ msg }) => msg },
  {
    title: "Traceback",
    cell: ({ traceback }) => (
      <Box component="pre" sx={{ m: 0, fontSize: 12, whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
        {traceback}
      </Box>
    ),
    isText: true,
  },
];

export function ExceptionsTab() {
  const { path, every } = useRun();
  const asked = useAnswer<Answers["Exceptions"]>(`${path}exceptions`, every(5_000));
  return (
    <Answered asked={asked} what="exceptions">
      {({ exceptions }) => (
        <DataTable
          columns={columns}
          empty="All expectations and templates could be evaluated."
          keyOf={({ msg, traceback }) => `${msg} ${traceback}`}
          label="Exceptions"
          rows={exceptions}
        />
      )}
    </Answered>
  );
}
