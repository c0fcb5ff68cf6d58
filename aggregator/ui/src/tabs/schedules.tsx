// When runs start and stop by themselves.
import Button from "@mui/material/Button";
import { useState } from "react";

import { Answered } from "../parts/answered";
import { DataTable, type Column } from "../parts/data-table";
import { count, decimal, duration, NONE } from "../parts/figures";
import { Section } from "../parts/section";
import { useAnswer } from "../parts/use-answer";
import { ask, Problem, type Answers } from "../server";
import { useNotice } from "../shell/notices";
import { ScheduleForm } from "./schedule-form";

export function SchedulesTab() {
  const asked = useAnswer<Answers["Schedules"]>("schedules", 10_000);
  return (
    <Answered asked={asked} what="schedules">
      {({ schedules }) => (
        <>
          <Section about="Times are in the schedule's own time zone." title="Schedules">
            <DataTable
              columns={columns(asked.again)}
              empty="There is no schedule: add one below."
              keyOf={(schedule) => schedule.name}
              label="Schedules"
              rows={schedules}
            />
          </Section>
          <ScheduleForm onSaved={asked.again} />
        </>
      )}
    </Answered>
  );
}

function columns(onDeleted: () => void): Column<Answers["Schedule"]>[] {
  return [
    { title: "Name", cell: (schedule) => schedule.name, isName: true, isText: true, sortBy: (schedule) => schedule.name },
    { title: "Start", cell: (schedule) => schedule.start ?? NONE, isText: true },
    { title: "Next start", cell: (schedule) => local(schedule.next_start), isText: true },
    { title: "Stop", cell: (schedule) => schedule.stop ?? NONE, isText: true },
    { title: "Next stop", cell: (schedule) => local(schedule.next_stop), isText: true },
    { title: "Time zone", cell: (schedule) => schedule.time_zone, isText: true },
    { title: "Users", cell: (schedule) => count(schedule.user_count) },
    { title: "Ramp up (users/s)", cell: (schedule) => decimal(schedule.spawn_rate) },
    { title: "Run time", cell: (schedule) => duration(schedule.run_time) },
    { title: "Classes", cell: (schedule) => schedule.user_classes?.join(", ") ?? "all", isText: true },
    { title: "Shape", cell: (schedule) => schedule.shape_class ?? NONE, isText: true },
    { title: "Host", cell: (schedule) => schedule.host || NONE, isText: true },
    { title: "Delete", isTitleHidden: true, cell: (schedule) => <Delete name={schedule.name} onDeleted={onDeleted} /> },
  ];
}

/** `2026-11-26T09:00:00+01:00` as `2026-11-26 09:00`: what the clock on the wall there will show. */
const local = (time: string | null) => (time === null ? NONE : time.slice(0, 16).replace("T", " "));

/** Asks once more before it deletes. */
function Delete({ name, onDeleted }: { name: string; onDeleted: () => void }) {
  const [isSure, setSure] = useState(false);
  const notify = useNotice();
  async function remove() {
    try {
      await ask(`schedules/${encodeURIComponent(name)}`, { method: "DELETE" });
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      notify(problem.message);
    }
    onDeleted();
  }
  return (
    <Button
      aria-label={isSure ? `Really delete ${name}` : `Delete ${name}`}
      color="error"
      onBlur={() => setSure(false)}
      onClick={() => (isSure ? void remove() : setSure(true))}
      size="small"
      variant={isSure ? "contained" : "text"}
    >
      {isSure ? "Really delete" : "Delete"}
    </Button>
  );
}
