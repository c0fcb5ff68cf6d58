// A picture as an SVG file for a slide, with its title and what its colours mean.
import Download from "@mui/icons-material/Download";
import IconButton from "@mui/material/IconButton";
import { useTheme } from "@mui/material/styles";

interface Props {
  title: string;
  /** Where the picture is. */
  place: HTMLElement | null;
  legend: { name: string; colour: string }[];
}

const SVG = "http://www.w3.org/2000/svg";
const HEAD = 52;
const LINE = 18;

export function SavePicture({ title, place, legend }: Props) {
  const { palette, typography } = useTheme();
  function save() {
    const shown = place?.querySelector("svg[role=img]");
    if (!shown) return;
    const [width, height] = ["width", "height"].map((name) => Number(shown.getAttribute(name))) as [number, number];
    const places = legendPlaces(legend, width);
    const head = HEAD + (places.at(-1)?.y ?? 0);
    const file = document.createElementNS(SVG, "svg");
    set(file, { xmlns: SVG, width, height: height + head, viewBox: `0 0 ${width} ${height + head}`, "font-family": typography.fontFamily ?? "sans-serif" });
    file.append(element("rect", { width, height: height + head, fill: palette.background.default }));
    file.append(element("text", { x: 8, y: 20, "font-size": 16, fill: palette.text.primary }, title));
    for (const { name, colour, x, y } of places) {
      file.append(element("rect", { x, y: y + 34, width: 14, height: 3, fill: colour }));
      file.append(element("text", { x: x + 20, y: y + 40, "font-size": 12, fill: palette.text.primary }, name));
    }
    const moved = element("g", { transform: `translate(0 ${head})` });
    moved.append(...[...shown.childNodes].map((node) => node.cloneNode(true)));
    file.append(moved);
    const url = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(file)], { type: "image/svg+xml" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = `${title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "")}.svg`;
    link.click();
    URL.revokeObjectURL(url);
  }
  return (
    <IconButton aria-label={`Save "${title}" as an SVG file`} onClick={save} size="small" title="Save as an SVG file">
      <Download fontSize="small" />
    </IconButton>
  );
}

/** Where each colour is told: in as many lines as there is need of. */
function legendPlaces(legend: Props["legend"], width: number) {
  let [x, y] = [8, 0];
  return legend.map((entry) => {
    const wide = 36 + 7 * entry.name.length;
    if (x > 8 && x + wide > width) [x, y] = [8, y + LINE];
    const place = { ...entry, x, y };
    x += wide;
    return place;
  });
}

function element(name: string, attributes: Record<string, string | number>, text?: string): SVGElement {
  const made = document.createElementNS(SVG, name);
  set(made, attributes);
  if (text !== undefined) made.textContent = text;
  return made;
}

function set(element: SVGElement, attributes: Record<string, string | number>): void {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}
