// Locust's ratios, under the names that classes and tasks have. (Locust's own tab writes them in camel case.)
import { Answered } from "../parts/answered";
import { useAnswer } from "../parts/use-answer";
import type { Answers } from "../server";

type Ratios = Record<string, { ratio: number; tasks?: Ratios }>;

export function RatiosTab() {
  const asked = useAnswer<Answers["Tasks"]>("tasks", 5_000);
  return (
    <Answered asked={asked} what="ratios">
      {({ per_class, total }) => (
        <>
          <h3>Ratio Per Class</h3>
          <List ratios={per_class} />
          <h3>Total Ratio</h3>
          <List ratios={total} />
        </>
      )}
    </Answered>
  );
}

function List({ ratios }: { ratios: Ratios }) {
  return (
    <ul>
      {Object.entries(ratios).map(([name, { ratio, tasks }]) => (
        <li key={name}>
          {(100 * ratio).toFixed(1)}% {name}
          {tasks && <List ratios={tasks} />}
        </li>
      ))}
    </ul>
  );
}
