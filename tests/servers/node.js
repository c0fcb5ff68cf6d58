// The agent of the demo on Node.js's own server: `node node.js PORT [KEEP_ALIVE_MS]`, otherwise Node's five seconds.
// Arrivals are written as app.py does.
const fs = require("node:fs");
const http = require("node:http");

const arrivals = fs.openSync(process.env.ARRIVALS, "a");
const answers = {
  "GET /status": { status: "ok" },
  "POST /repair": { success: true, final_status: "healthy" },
  "POST /chat": { response: "all is well", success: true },
};

const server = http.createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    const asked = `${request.method} ${request.url.split("?")[0]}`;
    fs.writeSync(arrivals, `${request.headers["x-request"] ?? "-"} ${asked}\n`);
    const answer = answers[asked];
    response.writeHead(answer ? 200 : 404, { "Content-Type": "application/json" });
    response.end(JSON.stringify(answer ?? { error: "not found" }));
  });
});
if (process.argv[3]) {
  server.keepAliveTimeout = Number(process.argv[3]);
}
server.listen(Number(process.argv[2]), "127.0.0.1");
