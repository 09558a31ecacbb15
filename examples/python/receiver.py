"""Receives tasks on PORT and verifies their signatures: python3 receiver.py

SIGNING_SECRET has one or more secrets (whsec_…), separated by spaces.
"""

import base64
import hashlib
import hmac
import os
import re
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRETS = [base64.b64decode(one.removeprefix("whsec_")) for one in os.environ["SIGNING_SECRET"].split()]
TOLERANCE_SEC = 300
seen = set()  # in production: in your database, in the transaction that does the work


def is_genuine(headers, body):
    at = headers.get("webhook-timestamp", "")
    if not re.fullmatch("[0-9]{1,12}", at) or abs(time.time() - int(at)) > TOLERANCE_SEC:
        return False
    signed = f"{headers.get('webhook-id')}.{at}.".encode() + body
    expected = [b"v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()) for secret in SECRETS]
    given = [one.encode() for one in headers.get("webhook-signature", "").split(" ")]
    return any(hmac.compare_digest(one, other) for one in expected for other in given)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not is_genuine(self.headers, body):
            self.answer(401)
            return
        # The same task may arrive again, after an attempt whose answer was lost.
        id = self.headers["webhook-id"]
        if id not in seen:
            seen.add(id)
            print("received", body.decode(), flush=True)
        self.answer(204)  # 2xx: done; 5xx, 408, 425, 429: try again; anything else: dead

    def answer(self, status):
        self.send_response(status)
        self.end_headers()


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9000"))), Receiver).serve_forever()
