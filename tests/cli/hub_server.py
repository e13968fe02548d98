# SPDX-License-Identifier: Apache-2.0
"""A small stand-in for the Hugging Face Hub: python3 hub_server.py FOLDER PORT_FILE serves FOLDER's files as the repository
of any name. The organisation says how it misbehaves: "cuts" ends a large file's connection in the middle twice, "dies" ends
it each time but goes on where asked to, "wrong" sends other bytes, "whole" knows no ranges and cuts once, "private" wants
the token abc, "slow" takes a second. Files below /store/MANNER/ misbehave in the same manners. Small files are answered at once, large ones by another host that must not see the token."""
import hashlib
import http.server
import pathlib
import sys
import time

FOLDER, PORT_FILE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 20000
cuts = {}


class Hub(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, code, body=b"", **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        parts = self.path.strip("/").split("/")
        if parts[0] == "store":
            if len(parts) < 3 or not (FOLDER / parts[2]).is_file():
                return self.answer(404, b"<html>no such file</html>")
            return self.store(parts[1], FOLDER / parts[2])
        organisation, file = parts[0], FOLDER / parts[-1]
        if organisation == "private" and self.headers.get("Authorization") != "Bearer abc":
            return self.answer(401)
        if not file.is_file():
            return self.answer(404, b"<html>no such file</html>")
        data = file.read_bytes()
        if len(data) < LARGE:
            return self.answer(200, data, ETag='"' + hashlib.sha1(data).hexdigest() + '"', X_Repo_Commit=COMMIT)
        store = f"http://localhost:{self.server.server_port}/store/{organisation}/{parts[-1]}"
        self.answer(302, b"elsewhere", Location=store, X_Repo_Commit=COMMIT, X_Linked_Size=str(len(data)),
                    X_Linked_Etag='"' + hashlib.sha256(data).hexdigest() + '"')

    def store(self, organisation, file):
        if self.headers.get("Authorization"):
            return self.answer(400, b"a token has no place here")
        data = file.read_bytes()
        if organisation == "wrong":
            data = bytes(len(data))
        range_ = self.headers.get("Range") if organisation != "whole" else None
        begin = int(range_.removeprefix("bytes=").rstrip("-")) if range_ else 0
        part = data[begin:]
        seen = cuts[organisation] = cuts.get(organisation, 0) + 1
        cut = seen <= {"cuts": 2, "whole": 1, "dies": 10**6}.get(organisation, 0)
        self.send_response(206 if range_ else 200)
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if self.command != "HEAD":
            if organisation == "slow":
                self.wfile.write(part[:8000])
                time.sleep(1)
                part = part[8000:]
            self.wfile.write(part[:8000] if cut else part)
        self.close_connection = cut or self.close_connection


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
PORT_FILE.with_suffix(".part").write_text(str(server.server_port))
PORT_FILE.with_suffix(".part").rename(PORT_FILE)
server.serve_forever()
