import json
import random
from locust import HttpUser, constant_pacing, task

MODELS = {"a": "mistral:7b-instruct", "b": "ministral-3:8b"}
QUESTIONS = (
    "What is the status?",
    "Who are you?",
    'Say "hello" in {language}.',
)


class Agent(HttpUser):
    host = "http://127.0.0.1:1"
    wait_time = constant_pacing(10)
    fixed_count = 2

    @task
    def complete(self):
        model = random.choice(list(MODELS))
        with self.client.post(
            "/json",
            data=json.dumps({"model": MODELS[model], "messages": [{"role": "user", "content": "hi"}], "stream": False}),
            headers={"Content-Type": "application/json", "Authorization": "Bearer none"},
            name=f"complete ({model})",
            timeout=(120),
            catch_response=True,
        ) as answer:
            if answer.status_code != 200:
                answer.failure(f"HTTP {answer.status_code}")
                return
            if answer.json().get("state") == "waiting":
                answer.failure("not yet")

    @task(2)
    def question(self):
        self.client.post("/ask", json={"question": random.choice(QUESTIONS), "temperature": round(random.uniform(0, 1), 2)})
