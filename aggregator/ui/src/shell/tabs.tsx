// The tabs, in groups: one row where there is room, else one strip that scrolls by itself.
import Box from "@mui/material/Box";
import ButtonBase from "@mui/material/ButtonBase";
import Container from "@mui/material/Container";
import Typography from "@mui/material/Typography";
import { useEffect, useRef, type ComponentType, type KeyboardEvent } from "react";

import { go, seen, useStore } from "../store";

export interface Tab {
  /** Its name in the address. */
  key: string;
  title: string;
  component: ComponentType;
}

export interface TabGroup {
  name: string;
  tabs: Tab[];
}

interface Props {
  groups: TabGroup[];
}

/** The tab that the address names is open, or else the first. Arrows, Home and End go from one to the other. */
export function Tabs({ groups }: Props) {
  const key = useStore(({ query }) => query["tab"]);
  const news = useStore(({ news }) => news);
  const strip = useRef<HTMLDivElement>(null);
  const tabs = groups.flatMap((group) => group.tabs);
  const open = tabs.find((tab) => tab.key === key) ?? tabs[0];

  useEffect(() => {
    const show = () => showSelected(strip.current);
    show();
    // a phone that is turned has another width
    addEventListener("resize", show);
    return () => removeEventListener("resize", show);
  }, [open?.key]);

  if (!open) return null;
  const Content = open.component;
  return (
    <Container maxWidth="xl">
      <Box
        onKeyDown={(event) => move(strip.current, event)}
        ref={strip}
        sx={{
          display: "flex",
          flexWrap: { xs: "nowrap", md: "wrap" },
          columnGap: { xs: 2, lg: 3 },
          overflowX: "auto",
          scrollbarWidth: "thin",
          borderBottom: 1,
          borderColor: "divider",
          pt: 1,
          mb: 2,
        }}
      >
        {groups.map(({ name, tabs }) => (
          <Box key={name} sx={{ flex: "none" }}>
            {groups.length > 1 && (
              <Typography aria-hidden="true" color="text.secondary" component="div" sx={{ px: 1, lineHeight: 1.4 }} variant="caption">
                {name}
              </Typography>
            )}
            <Box aria-label={name} role="tablist" sx={{ display: "flex" }}>
              {tabs.map((tab) => (
                <TabButton hasNews={news[tab.key] ?? false} isOpen={tab === open} key={tab.key} tab={tab} />
              ))}
            </Box>
          </Box>
        ))}
      </Box>
      <Box aria-labelledby={`tab-${open.key}`} id="tab" key={open.key} role="tabpanel">
        <Content />
      </Box>
    </Container>
  );
}

/** Scrolls to the open tab, by the strip alone: the page itself stays where it is. */
function showSelected(strip: HTMLElement | null): void {
  const selected = strip?.querySelector<HTMLElement>("[aria-selected=true]");
  if (!strip || !selected) return;
  const { left, right } = selected.getBoundingClientRect();
  const around = strip.getBoundingClientRect();
  if (left < around.left || right > around.right) strip.scrollLeft += left - around.left - 24;
}

interface ButtonProps {
  tab: Tab;
  isOpen: boolean;
  /** Something is in it that nobody has seen. */
  hasNews: boolean;
}

function TabButton({ tab: { key, title }, isOpen, hasNews }: ButtonProps) {
  function open() {
    seen(key);
    go({ tab: key });
  }
  return (
    <ButtonBase
      {...(isOpen && { "aria-controls": "tab" })}
      aria-selected={isOpen}
      focusRipple
      id={`tab-${key}`}
      onClick={open}
      role="tab"
      sx={{
        px: { xs: 1, lg: 1.25 },
        py: 1,
        fontSize: 14,
        fontWeight: 500,
        whiteSpace: "nowrap",
        color: isOpen ? "primary.main" : "text.primary",
        boxShadow: ({ palette }) => (isOpen ? `inset 0 -2px ${palette.primary.main}` : "none"),
        "&:hover": { bgcolor: "action.hover" },
        "&:focus-visible": { outline: 2, outlineStyle: "solid", outlineOffset: -2 },
      }}
      tabIndex={isOpen ? 0 : -1}
    >
      {title}
      {hasNews && (
        <Box aria-hidden="true" component="span" sx={{ ml: 0.5, width: 8, height: 8, borderRadius: "50%", bgcolor: "warning.main" }} />
      )}
    </ButtonBase>
  );
}

/** To the tab beside, or to the first or last one. */
function move(strip: HTMLElement | null, event: KeyboardEvent): void {
  const tabs = [...(strip?.querySelectorAll<HTMLElement>("[role=tab]") ?? [])];
  const at = tabs.indexOf(document.activeElement as HTMLElement);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  tabs[(to + tabs.length) % tabs.length]?.focus();
}
