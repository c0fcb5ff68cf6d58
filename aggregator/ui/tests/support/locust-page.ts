// Locust's own web page, from the wheel, in front of a Cicada: what Locust renders into the page comes from
// `/template-args`, its files from the wheel, and everything else from Cicada's API.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";

const TOOLS = join(import.meta.dirname, "../../../../.tools");

const KINDS: Record<string, string> = { js: "text/javascript", png: "image/png", gif: "image/gif", css: "text/css" };

/** Where the wheel's page is; `scripts/tools.sh locust` installs it. */
function wheel(): string {
  const lib = join(TOOLS, "venv/lib");
  const pythons = existsSync(lib) ? readdirSync(lib) : [];
  const places = pythons.map((python) => join(lib, python, "site-packages/locust/webui/dist"));
  const found = places.find((place) => existsSync(place));
  if (!found) throw new Error("Locust is not in .tools/venv: run scripts/tools.sh locust");
  return found;
}

export class LocustPage {
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** Serves the page in front of the API at `cicada`. */
  static async before(cicada: string): Promise<LocustPage> {
    const dist = wheel();
    const server = createServer((asked, answer) => {
      answerWith(dist, cicada, asked, answer).catch((error: unknown) => answer.destroy(error as Error));
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    return new LocustPage(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }
}

async function answerWith(dist: string, cicada: string, asked: IncomingMessage, answer: ServerResponse): Promise<void> {
  const { pathname } = new URL(asked.url ?? "/", cicada);
  if (pathname === "/") {
    const args = JSON.stringify(await (await fetch(`${cicada}template-args`)).json()).replaceAll("<", "\\u003c");
    const page = readFileSync(join(dist, "index.html"), "utf8").replace("{{ template_args|tojson }}", () => args);
    answer.writeHead(200, { "content-type": "text/html" }).end(page);
  } else if (pathname.startsWith("/assets/")) {
    const name = basename(pathname);
    const kind = KINDS[name.split(".").at(-1) ?? ""] ?? "application/octet-stream";
    answer.writeHead(200, { "content-type": kind }).end(readFileSync(join(dist, "assets", name)));
  } else {
    const { method, headers } = asked;
    const passed = request(new URL(asked.url ?? "/", cicada), { method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    passed.on("error", (error) => answer.destroy(error));
    asked.pipe(passed);
  }
}
