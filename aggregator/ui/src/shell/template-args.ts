// What Locust calls template arguments: what there is to choose from, and what was asked for last.
import { get, type Answers } from "../server";
import { camelCased } from "../statistics/names";
import { setSwarm } from "../store";

type TemplateArgs = Answers["TemplateArgs"];

/** Takes what the server wrote into the page. */
export function takeTemplateArgs(): void {
  const written = document.getElementById("template-args")?.textContent;
  if (!written) throw new Error("this page has no template arguments: open it at the address of a Cicada");
  take(JSON.parse(written) as TemplateArgs);
}

/** Asks the server what there is to choose from by now. */
export async function askForTemplateArgs(): Promise<void> {
  take(await get<TemplateArgs>("template-args"));
}

/** In camel case, but for the names of classes: those are somebody's own. */
function take(args: TemplateArgs): void {
  const users = Object.entries(args.users).map(([name, user]) => [name, camelCased(user)] as const);
  setSwarm({
    ...camelCased(args),
    availableUserTasks: args.available_user_tasks,
    users: Object.fromEntries(users),
  });
}
