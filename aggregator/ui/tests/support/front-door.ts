// A front door like a Function URL: it speaks TLS, passes everything on, and renames the header that makes browsers ask.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request, type OutgoingHttpHeaders } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const RENAMED = "www-authenticate";

export class FrontDoor {
  private constructor(
    private readonly server: Server,
    /** Where it is, with the slash. */
    readonly url: string,
  ) {}

  /** One in front of what is at that address, under the same path. */
  static async before(cicada: string): Promise<FrontDoor> {
    const { hostname, pathname, port } = new URL(cicada);
    const server = createServer(certified(), (asked, answer) => {
      const { headers, method, url: path } = asked;
      const passed = request({ headers, hostname, method, path, port }, (response) => {
        const renamed: OutgoingHttpHeaders = { ...response.headers };
        renamed[`x-amzn-remapped-${RENAMED}`] = renamed[RENAMED];
        delete renamed[RENAMED];
        answer.writeHead(response.statusCode ?? 502, JSON.parse(JSON.stringify(renamed)) as OutgoingHttpHeaders);
        response.pipe(answer);
      });
      passed.on("error", (error) => answer.destroy(error));
      asked.pipe(passed);
    });
    await new Promise<void>((listening) => server.listen(0, "localhost", listening));
    return new FrontDoor(server, `https://localhost:${(server.address() as AddressInfo).port}${pathname}`);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }
}

/** A key, and a certificate that nobody else trusts. */
function certified(): { cert: Buffer; key: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), "front-door-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject, "-keyout", key, "-out", cert];
  execFileSync("openssl", made, { stdio: "ignore" });
  const read = { cert: readFileSync(cert), key: readFileSync(key) };
  rmSync(folder, { recursive: true });
  return read;
}
