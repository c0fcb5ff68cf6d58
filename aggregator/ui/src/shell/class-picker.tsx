// Which user classes run, and what holds for each: Locust's picker.
import Edit from "@mui/icons-material/Edit";
import Box from "@mui/material/Box";
import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import IconButton from "@mui/material/IconButton";
import Paper from "@mui/material/Paper";
import Table from "@mui/material/Table";
import TableBody from "@mui/material/TableBody";
import TableCell from "@mui/material/TableCell";
import TableContainer from "@mui/material/TableContainer";
import TableHead from "@mui/material/TableHead";
import TableRow from "@mui/material/TableRow";
import { useId, useState } from "react";

import { visuallyHidden } from "../parts/hidden";
import { useOverflow } from "../parts/use-overflow";
import { useStore } from "../store";
import { ClassSettings } from "./class-settings";

interface Props {
  chosen: string[];
  onChange: (chosen: string[]) => void;
}

export function ClassPicker({ chosen, onChange }: Props) {
  const { availableUserClasses: names, users } = useStore(({ swarm }) => swarm);
  const [edited, setEdited] = useState<string | null>(null);
  const [box, isScrolled] = useOverflow();
  const id = useId();
  const paper = { component: Paper, ref: box, variant: "outlined" };
  const toggle = (name: string) => onChange(chosen.includes(name) ? chosen.filter((other) => other !== name) : [...chosen, name]);
  return (
    <>
      <TableContainer
        {...paper}
        {...(isScrolled && { "aria-label": "User classes", role: "region", tabIndex: 0 })}
        sx={{ position: "relative", maxHeight: "40vh" }}
      >
        <Table aria-label="User classes" size="small" stickyHeader>
          <TableHead>
            <TableRow>
              <TableCell>
                <FormControlLabel
                  control={
                    <Checkbox
                      checked={chosen.length > 0 && chosen.length === names.length}
                      indeterminate={chosen.length > 0 && chosen.length < names.length}
                      onChange={(event) => onChange(event.target.checked ? names : [])}
                      size="small"
                    />
                  }
                  label="User classes"
                />
              </TableCell>
              <TableCell sx={{ display: { xs: "none", sm: "table-cell" } }}>Host</TableCell>
              <TableCell>
                <Box component="span" sx={visuallyHidden}>
                  Settings
                </Box>
              </TableCell>
            </TableRow>
          </TableHead>
          <TableBody>
            {names.map((name) => (
              <TableRow hover key={name}>
                <TableCell>
                  <FormControlLabel
                    control={<Checkbox checked={chosen.includes(name)} onChange={() => toggle(name)} size="small" />}
                    label={<span id={`${id}-${name}`}>{name}</span>}
                    sx={{ overflowWrap: "anywhere" }}
                  />
                </TableCell>
                <TableCell sx={{ color: "text.secondary", display: { xs: "none", sm: "table-cell" } }}>{users[name]?.host}</TableCell>
                <TableCell align="right">
                  <IconButton aria-label={`Settings of ${name}`} onClick={() => setEdited(name)} size="small" title="Settings">
                    <Edit fontSize="small" />
                  </IconButton>
                </TableCell>
              </TableRow>
            ))}
          </TableBody>
        </Table>
      </TableContainer>
      {edited !== null && <ClassSettings name={edited} onClose={() => setEdited(null)} />}
    </>
  );
}
