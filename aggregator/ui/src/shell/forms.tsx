// Locust's form, on what the server would make of it now.
import { SwarmForm } from "locust-ui";
import { useEffect, useRef } from "react";

import { setSwarm, useStore, type Swarm } from "../store";
import { refresh } from "../statistics/poll";

interface Props {
  /** Changes the run that is on, instead of starting one. */
  isEdit?: boolean;
  /** What was asked for was granted. */
  onGranted?: () => void;
}

/**
 * The form that starts a run, or changes the one that is on.
 *
 * A change names no classes: those that run stay. (The picker's form would send all of them.)
 */
export function Form({ isEdit = false, onGranted }: Props) {
  const swarm = useStore(({ swarm }) => swarm);
  // Locust's form says in this way that a shape was chosen, and that what it sent was granted
  const changed = (part: object) => {
    setSwarm(part);
    if (!("state" in part)) return;
    refresh();
    onGranted?.();
  };
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isEdit && place.current) chooseShape(place.current, swarm.shapeClass);
  }, [isEdit, swarm.shapeClass]);
  return (
    <div ref={place}>
      <SwarmForm.WrappedComponent
        {...formProps(swarm)}
        isEditSwarm={isEdit}
        setSwarm={changed}
        showUserclassPicker={!isEdit}
      />
    </div>
  );
}

/** Chooses the shape that the server was started with. Locust's form always begins with the first one, none. */
function chooseShape(place: HTMLElement, name: string | null): void {
  const select = place.querySelector<HTMLSelectElement>("select[name=shapeClass]");
  if (!select || !name) return;
  select.value = name;
  setSwarm({ hideCommonOptions: true });
}

function formProps(swarm: Swarm) {
  const { availableShapeClasses, availableUserClasses, host, numUsers, userCount, spawnRate, runTime } = swarm;
  return {
    availableShapeClasses,
    availableUserClasses,
    extraOptions: {},
    hideCommonOptions: swarm.hideCommonOptions,
    host,
    isHostRequired: false,
    missingHostWarning: false,
    numUsers,
    overrideHostWarning: !host,
    profile: undefined,
    runTime: runTime ?? undefined,
    shapeUseCommonOptions: swarm.shapeUseCommonOptions,
    spawnRate,
    userCount,
  };
}
