import random
from locust import HttpUser, constant_pacing, events, task

EASY = ["hello", "thanks"]
HARD = ["explain {{ braces }}", "", "x" * 300]


@events.test_start.add_listener
def announce(environment, **kwargs):
    print("off we go")


class Prompter(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant_pacing(18)

    def pick(self):
        roll = random.random()
        if roll < 0.6:
            return "Easy", random.choice(EASY)
        elif roll < 0.9:
            return "Hard", random.choice(HARD)
        return "Odd", "?"

    @task
    def ask(self):
        kind, prompt = self.pick()
        for model in ("a", "b"):
            self.client.post("/chat", json={"message": prompt, "model": model}, name=f"{kind} ({model})")
