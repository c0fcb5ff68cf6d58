// The template arguments, as the store has them.
import { get, type Answers } from "../server";
import { camelCased } from "../statistics/names";
import { setSwarm } from "../store";

type TemplateArgs = Answers["TemplateArgs"];

/** Takes what the server wrote into the page. */
export function takeTemplateArgs(): void {
  take(window.templateArgs as TemplateArgs);
}

/** Asks the server what there is to choose from by now. */
export async function askForTemplateArgs(): Promise<void> {
  take(await get<TemplateArgs>("template-args"));
}

/** In camel case, but for the names of classes: those are somebody's own. (Locust's page changes them too.) */
function take(args: TemplateArgs): void {
  const users = Object.entries(args.users).map(([name, user]) => [name, camelCased(user)] as const);
  setSwarm({
    ...camelCased(args),
    availableUserTasks: args.available_user_tasks,
    users: Object.fromEntries(users),
  });
}
