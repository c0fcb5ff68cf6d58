import FormControl from "@mui/material/FormControl";
import InputLabel from "@mui/material/InputLabel";
import NativeSelect from "@mui/material/NativeSelect";
import { useId } from "react";

interface Props {
  label: string;
  names: string[];
  value: string;
  onChange: (name: string) => void;
}

/** One of a few names. */
export function Choice({ label, names, value, onChange }: Props) {
  const id = useId();
  return (
    <FormControl size="small" variant="standard">
      <InputLabel htmlFor={id} shrink>
        {label}
      </InputLabel>
      <NativeSelect id={id} onChange={(event) => onChange(event.target.value)} value={value}>
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </NativeSelect>
    </FormControl>
  );
}
