"""Enqueues a task that is sent to TARGET: python3 enqueue.py '{"order": 4711}'

TASK_RUNNER_URL, TASK_RUNNER_API_KEY and TARGET come from the environment. Prints the id of the task.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid

URL = os.environ.get("TASK_RUNNER_URL", "http://localhost:8080")
API_KEY = os.environ["TASK_RUNNER_API_KEY"]
TARGET = os.environ["TARGET"]


def enqueue(task, idempotency_key=None, attempts=5):
    """Enqueues once, however often the call has to be repeated: each repetition has the same key."""
    request = urllib.request.Request(
        URL + "/v1/enqueue",
        data=json.dumps({"task": task}).encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": "Bearer " + API_KEY,
            "Idempotency-Key": idempotency_key or str(uuid.uuid4()),
        },
    )
    for attempt in range(1, attempts + 1):
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.load(response)["task_id"]  # 201 enqueued, or 200: accepted before
        except urllib.error.HTTPError as refused:
            # 429: a limit, and nothing was accepted. 503: unknown; the task may have been accepted.
            if refused.code not in (429, 503) or attempt == attempts:
                raise RuntimeError(f"{refused.code}: {refused.read().decode()}") from refused
            wait = float(refused.headers.get("Retry-After") or 2**attempt)
        except OSError:  # no connection, or no answer: unknown, too
            if attempt == attempts:
                raise
            wait = 2**attempt
        time.sleep(wait)


if __name__ == "__main__":
    print(enqueue({"url": TARGET, "body": sys.argv[1] if len(sys.argv) > 1 else "{}"}))
