import websocket
from locust import User, constant, events, task


class Socket(User):  # refused: no class of the kind `User`
    wait_time = constant(1)

    @task
    def send(self):
        websocket.create_connection("ws://127.0.0.1:1").send("x")


@events.request.add_listener  # refused: does more than print
def count(**kwargs):
    open("requests.log", "a").write("x")
