// What Locust's bar says: host, status, users, requests a second, failures.
import { SwarmMonitor } from "locust-ui";

import { useStore } from "../store";

/** Locust's own display, with the hosts of the classes where no single one is set. */
export function Monitor() {
  const { host, hosts, state } = useStore(({ swarm }) => swarm);
  const { failRatio, totalRps, userCount } = useStore(({ ui }) => ui);
  return (
    <SwarmMonitor.WrappedComponent
      failRatio={failRatio}
      host={host || hosts.join(", ")}
      isDistributed={false}
      state={state}
      totalRps={totalRps}
      userCount={userCount}
      workerCount={0}
    />
  );
}
