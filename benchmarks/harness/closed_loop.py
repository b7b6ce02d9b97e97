"""The usual way to load a server, for comparison: users that wait for their answer (Locust)."""

from locust import FastHttpUser, constant_throughput, task


class Waiting(FastHttpUser):
    """Once a second, unless the last answer is still awaited: then this arrival never happens."""

    wait_time = constant_throughput(1)

    @task
    def send(self) -> None:
        """One enrollment."""
        self.client.post("/enrollments", data="x" * 2048)
