"""Google's Cloud Tasks client against Task Runner: pip install google-cloud-tasks && python3 enqueue.py '{"order": 4711}'

TASK_RUNNER_ADDRESS (host:port) and TARGET come from the environment. Prints the name of the task.
"""

import os
import sys

import grpc
from google.api_core.exceptions import AlreadyExists
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport

# Without this transport it speaks TLS and looks for credentials, as with Google.
channel = grpc.insecure_channel(os.environ.get("TASK_RUNNER_ADDRESS", "localhost:8080"))
client = tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))

parent = client.queue_path("shop", "europe-west1", "orders")
try:
    client.create_queue(parent=client.common_location_path("shop", "europe-west1"), queue=tasks_v2.Queue(name=parent))
except AlreadyExists:
    pass
task = client.create_task(
    parent=parent,
    task=tasks_v2.Task(
        http_request=tasks_v2.HttpRequest(
            url=os.environ["TARGET"],
            http_method=tasks_v2.HttpMethod.POST,
            body=(sys.argv[1] if len(sys.argv) > 1 else "{}").encode(),
        )
    ),
)
print(task.name)
