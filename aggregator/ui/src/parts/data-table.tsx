// A table of figures: sorted by its headings, and never wider than the page.
import Box from "@mui/material/Box";
import Paper from "@mui/material/Paper";
import Table from "@mui/material/Table";
import TableBody from "@mui/material/TableBody";
import TableCell from "@mui/material/TableCell";
import TableContainer from "@mui/material/TableContainer";
import TableHead from "@mui/material/TableHead";
import TableRow from "@mui/material/TableRow";
import TableSortLabel from "@mui/material/TableSortLabel";

import { useMemo, useState, type ReactNode } from "react";

import { visuallyHidden } from "./hidden";
import { useOverflow } from "./use-overflow";

type Value = string | number | null | undefined;

export interface Column<Row> {
  title: string;
  cell: (row: Row) => ReactNode;
  /** A text, to the left; figures are to the right. */
  isText?: boolean;
  /** What rows are sorted by when somebody chooses the heading. */
  sortBy?: (row: Row) => Value;
  /** The rows' name: it stays in sight when the rest is scrolled. */
  isName?: boolean;
  /** Left out on a phone, where another column says it too. */
  isWideOnly?: boolean;
  /** Figures may stand in several lines. */
  mayWrap?: boolean;
  /** The heading is for those who hear the table only. */
  isTitleHidden?: boolean;
}

interface Props<Row> {
  /** What the table is about, for those who hear it. */
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  keyOf: (row: Row) => string;
  /** What to say when there are no rows. */
  empty: string;
  /** A row that stands out, such as a total; it stays where it is when rows are sorted. */
  isBold?: (row: Row) => boolean;
  /** All columns are equally wide, so that several tables stand one below the other. */
  isEven?: boolean;
}

interface Order {
  title: string;
  isDescending: boolean;
}

const never = () => false;

/** Each column is aligned for what is in it; where there is no room the table scrolls sideways, and not the page. */
export function DataTable<Row>({ label, columns, rows, keyOf, empty, isBold = never, isEven = false }: Props<Row>) {
  const [order, setOrder] = useState<Order | null>(null);
  const [container, isScrolled] = useOverflow();
  const sorted = useMemo(() => inOrder(rows, columns, order, isBold), [rows, columns, order, isBold]);
  const paper = { component: Paper, ref: container, variant: "outlined" };
  return (
    <TableContainer {...paper} {...(isScrolled && { "aria-label": label, role: "region", tabIndex: 0 })} sx={{ position: "relative" }}>
      <Table
        aria-label={label}
        size="small"
        sx={{
          fontVariantNumeric: "tabular-nums",
          "& th, & td": { px: { xs: 0.75, sm: 1, xl: 1.5 } },
          ...(isEven && { tableLayout: "fixed", minWidth: 130 * columns.length }),
        }}
      >
        <TableHead>
          <TableRow>
            {columns.map((column) => (
              <Heading column={column} key={column.title} onOrder={setOrder} order={order} />
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
          {sorted.map((row) => (
            <TableRow hover key={keyOf(row)}>
              {columns.map((column) => (
                <TableCell
                  align={align(column)}
                  key={column.title}
                  sx={{ ...place(column), fontWeight: isBold(row) ? 700 : 400, whiteSpace: column.isText || column.mayWrap ? undefined : "nowrap" }}
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

interface HeadingProps<Row> {
  column: Column<Row>;
  order: Order | null;
  onOrder: (order: Order | null) => void;
}

/** By figures the largest first, by texts in the order of the alphabet; then the other way round, then as it came. */
function Heading<Row>({ column, order, onOrder }: HeadingProps<Row>) {
  const { title, sortBy, isText = false, isTitleHidden } = column;
  const isChosen = order?.title === title;
  const direction = (isChosen ? order.isDescending : !isText) ? "desc" : "asc";
  function choose() {
    if (!isChosen) onOrder({ title, isDescending: !isText });
    else onOrder(order.isDescending !== isText ? { title, isDescending: isText } : null);
  }
  return (
    <TableCell
      align={align(column)}
      sortDirection={isChosen ? direction : false}
      sx={{ ...place(column), lineHeight: 1.3, verticalAlign: "bottom" }}
    >
      {isTitleHidden ? (
        <Box component="span" sx={visuallyHidden}>
          {title}
        </Box>
      ) : sortBy ? (
        <TableSortLabel
          active={isChosen}
          direction={direction}
          hideSortIcon
          onClick={choose}
          sx={{ "&:focus-visible": { outline: 2, outlineStyle: "solid" } }}
        >
          {title}
        </TableSortLabel>
      ) : (
        title
      )}
    </TableCell>
  );
}

const align = <Row,>(column: Column<Row>) => (column.isText ? "left" : "right");

function place<Row>({ isName, isWideOnly }: Column<Row>) {
  return {
    ...(isName && {
      position: "sticky" as const,
      left: 0,
      zIndex: 1,
      bgcolor: "background.paper",
      minWidth: { xs: 128, sm: 150 },
      maxWidth: { xs: 132, sm: 400 },
      overflowWrap: { xs: "anywhere" as const, sm: "break-word" as const },
    }),
    ...(isWideOnly && { display: { xs: "none", sm: "table-cell" } }),
  };
}

function inOrder<Row>(rows: Row[], columns: Column<Row>[], order: Order | null, isBold: (row: Row) => boolean): Row[] {
  const sortBy = columns.find((column) => column.title === order?.title)?.sortBy;
  if (!order || !sortBy) return rows;
  const sign = order.isDescending ? -1 : 1;
  const moved = rows.filter((row) => !isBold(row));
  moved.sort((one, other) => sign * compared(sortBy(one), sortBy(other)));
  return [...moved, ...rows.filter(isBold)];
}

/** What is not known comes before all else. */
function compared(one: Value, other: Value): number {
  if (one == null || other == null) return Number(one != null) - Number(other != null);
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), "en", { numeric: true });
}
