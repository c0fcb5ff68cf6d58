import Paper from "@mui/material/Paper";
import Table from "@mui/material/Table";
import TableBody from "@mui/material/TableBody";
import TableCell from "@mui/material/TableCell";
import TableContainer from "@mui/material/TableContainer";
import TableHead from "@mui/material/TableHead";
import TableRow from "@mui/material/TableRow";
import type { ReactNode } from "react";

export interface Column<Row> {
  title: string;
  cell: (row: Row) => ReactNode;
  /** A text, to the left; figures are to the right. */
  isText?: boolean;
}

interface Props<Row> {
  columns: Column<Row>[];
  rows: Row[];
  keyOf: (row: Row) => string;
  /** What to say when there are no rows. */
  empty: string;
  /** A row that stands out, such as a total. */
  isBold?: (row: Row) => boolean;
  /** All columns are equally wide, so that several tables stand one below the other. */
  isEven?: boolean;
}

/** A table of figures, each column aligned for what is in it; a narrow page scrolls it sideways. */
export function DataTable<Row>({ columns, rows, keyOf, empty, isBold = () => false, isEven = false }: Props<Row>) {
  const align = (column: Column<Row>) => (column.isText ? "left" : "right");
  return (
    <TableContainer component={Paper} variant="outlined">
      <Table
        size="small"
        sx={{ fontVariantNumeric: "tabular-nums", ...(isEven && { tableLayout: "fixed", minWidth: 130 * columns.length }) }}
      >
        <TableHead>
          <TableRow>
            {columns.map((column) => (
              <TableCell align={align(column)} key={column.title} sx={{ whiteSpace: "nowrap" }}>
                {column.title}
              </TableCell>
            ))}
          </TableRow>
        </TableHead>
        <TableBody>
          {rows.length === 0 && (
            <TableRow>
              <TableCell colSpan={columns.length} sx={{ color: "text.secondary" }}>
                {empty}
              </TableCell>
            </TableRow>
          )}
          {rows.map((row) => (
            <TableRow hover key={keyOf(row)}>
              {columns.map((column) => (
                <TableCell
                  align={align(column)}
                  key={column.title}
                  sx={{ fontWeight: isBold(row) ? 700 : 400, whiteSpace: column.isText ? undefined : "nowrap" }}
                >
                  {column.cell(row)}
                </TableCell>
              ))}
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </TableContainer>
  );
}
