"""A target on OpenSSL: serves `https://127.0.0.1:PORT` with a certificate and a key, and writes the port.

    tls_server.py CERTIFICATE KEY [--clients CA | --wants CA] [--only 1.2|1.3]

With --clients it needs a certificate that CA has issued, with --wants it asks for one. Every answer is JSON with the version of TLS and
the client's common name. It ends when its input does.
"""

import argparse
import http.server
import json
import ssl
import sys
import threading


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        certificate = self.connection.getpeercert() or {}
        names = dict(pair for part in certificate.get("subject", ()) for pair in part)
        body = json.dumps({"tls": self.connection.version(), "client": names.get("commonName")}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


parser = argparse.ArgumentParser()
parser.add_argument("certificate")
parser.add_argument("key")
parser.add_argument("--clients")
parser.add_argument("--wants")
parser.add_argument("--only", choices=["1.2", "1.3"])
options = parser.parse_args()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(options.certificate, options.key)
if options.clients:
    context.load_verify_locations(options.clients)
    context.verify_mode = ssl.CERT_REQUIRED
if options.wants:
    context.load_verify_locations(options.wants)
    context.verify_mode = ssl.CERT_OPTIONAL
if options.only:
    version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[options.only]
    context.minimum_version = context.maximum_version = version
server = Server(("127.0.0.1", 0), Answer)
# the handshake is the connection's own affair: nobody waits for another's
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
