// The programs under test: debug builds of cicada and the stand-in targets, each on a free port.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TARGET = join(import.meta.dirname, "../../../../target/debug");

/** How long a program may take until it says where it is. */
const START = 30_000;

/** A program that says in a line where it listens. */
class Program {
  private readonly child: ChildProcess;
  private said = "";

  constructor(name: string, args: string[], env: Record<string, string>, folder: string) {
    const inherited = Object.entries(process.env).filter(([name]) => !/^(LOCUST|CICADA)_/.test(name));
    this.child = spawn(join(TARGET, name), args, {
      cwd: folder,
      env: { ...Object.fromEntries(inherited), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on("data", (text: Buffer) => (this.said += text.toString()));
    }
  }

  /** The first group of what it says, as soon as it does. */
  async says(pattern: RegExp): Promise<string> {
    const until = Date.now() + START;
    while (Date.now() < until) {
      const found = pattern.exec(this.said)?.[1];
      if (found) return found;
      if (this.child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await this.stop();
    throw new Error(`it never said ${pattern}, but:\n${this.said}`);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    // the second one does not wait for requests that are under way
    this.child.kill("SIGINT");
    const timer = setInterval(() => this.child.kill("SIGINT"), 500);
    await gone;
    clearInterval(timer);
  }
}

/** A Cicada, and what it sends traffic to. */
export class Cicada {
  private constructor(
    private readonly programs: Program[],
    private readonly folder: string,
    /** Where its page is, with the slash. */
    readonly url: string,
    /** Where the stand-in target app is. */
    readonly targetApp: string,
  ) {}

  /** One that waits for somebody to start users, with targets some of whose answers are failures. */
  static async ready(...options: string[]): Promise<Cicada> {
    return Cicada.waiting({}, options);
  }

  /** The same behind a password. */
  static async locked(password: string, ...options: string[]): Promise<Cicada> {
    return Cicada.waiting({ LOCUST_BASIC_AUTH: password }, options);
  }

  private static async waiting(settings: Record<string, string>, options: string[]): Promise<Cicada> {
    const folder = mkdtempSync(join(tmpdir(), "cicada-browser-"));
    const anyPorts = ["--target-app", "127.0.0.1:0", "--ai-agent", "127.0.0.1:0"];
    const lively = ["--latency-scale", "0.2", "--failure-ratio", "GET /orders=0.5"];
    const targets = new Program("stand-in-targets", [...anyPorts, ...lively], {}, folder);
    const env = {
      ...settings,
      TARGET_APP_URL: await targets.says(/target-app\s+(http:\S+)/),
      AI_AGENT_URL: await targets.says(/ai-agent\s+(http:\S+)/),
    };
    return Cicada.serving([targets], options, env, folder);
  }

  /** `cicada --demo`: sixty users are on already. */
  static async demo(env: Record<string, string> = {}, ...options: string[]): Promise<Cicada> {
    const folder = mkdtempSync(join(tmpdir(), "cicada-browser-"));
    return Cicada.serving([], ["--demo", ...options], env, folder);
  }

  private static async serving(
    targets: Program[],
    options: string[],
    env: Record<string, string>,
    folder: string,
  ): Promise<Cicada> {
    const args = ["--web-host", "127.0.0.1", "--web-port", "0", ...options];
    const cicada = new Program("cicada", args, env, folder);
    const url = await cicada.says(/serving Locust's API at (http:\S+)/);
    const targetApp = env["TARGET_APP_URL"] ?? (await cicada.says(/stand-in target-app at (http:\S+)/));
    return new Cicada([cicada, ...targets], folder, url.replace(/\/?$/, "/"), targetApp);
  }

  /** Asks the API, beside the page. */
  async get<T>(path: string): Promise<T> {
    const answer = await fetch(this.url + path);
    return (await answer.json()) as T;
  }

  async stop(): Promise<void> {
    for (const program of this.programs) await program.stop();
    rmSync(this.folder, { recursive: true });
  }
}
