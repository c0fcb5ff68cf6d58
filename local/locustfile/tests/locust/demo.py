"""The demo's traffic."""
import os
import random

from locust import HttpUser, between, constant_pacing, events, task

TARGET_APP_URL = os.getenv("TARGET_APP_URL", "http://target-app:8000")
AI_AGENT_URL = os.environ.get("AI_AGENT_URL", "http://ai-agent:8001")

CHAT_MESSAGES = [
    "What is the current system status?",
    "How many containers are running?",
    "Tell me about the target application.",
    "What tools do you have access to?",
    "How do you diagnose failures?",
]
TOOL_PROMPTS = [f"tool {n}" for n in range(15)]
SIMPLE_PROMPTS = ["Hello", "Explain what you do"] + ["simple {}".format(n) for n in range(14)]
ERROR_PROMPTS = ["", "A" * 5000, "🚀" * 20, "\x00\x01\x02", "{{ 7 * 7 }}", "a", "b", "c"]


class TargetAppUser(HttpUser):
    host = TARGET_APP_URL
    wait_time = between(1, 3)

    @task(3)
    def get_health(self):
        self.client.get("/health", name="GET /health")

    @task(2)
    def get_orders(self):
        self.client.get("/orders", name="GET /orders")

    @task(2)
    def get_products(self):
        self.client.get("/products", name="GET /products")

    @task(1)
    def create_order(self):
        payload = {
            "product": random.choice(["laptop", "keyboard"]),
            "amount": round(random.uniform(10, 500), 2),
        }
        with self.client.post("/orders", json=payload, name="POST /orders", catch_response=True) as response:
            if response.status_code in (200, 201):
                response.success()
            else:
                response.failure(f"Got status {response.status_code}")

    @task
    def get_specific_product(self):
        product_id = random.randint(1, 5)
        self.client.get(f"/products/{product_id}", name="GET /products/:id")


class AgentUser(HttpUser):
    abstract = True
    host = AI_AGENT_URL
    wait_time = constant_pacing(30)
    model = None

    @task
    def check_and_repair(self):
        label = f"(Model {self.model.upper()})"
        with self.client.get("/status", name=f"Agent Status {label}", catch_response=True) as response:
            if response.status_code == 200:
                response.success()
            else:
                response.failure(f"Status check failed: {response.status_code}")
        if random.random() < 0.2:
            with self.client.post(f"/repair?model={self.model}", name=f"Repair Workflow {label}", timeout=120, catch_response=True) as response:
                if response.status_code == 200:
                    try:
                        data = response.json()
                        if data.get("success"):
                            response.success()
                        else:
                            response.failure(f"Repair failed: {data.get('final_status', 'unknown')}")
                    except Exception:
                        response.failure("invalid JSON")
                else:
                    response.failure(f"HTTP {response.status_code}")


class ModelAUser(AgentUser):
    model = "a"


class ModelBUser(AgentUser):
    model = "b"


class ChatModelAUser(HttpUser):
    host = AI_AGENT_URL
    wait_time = constant_pacing(45)

    @task
    def chat(self):
        self.client.post("/chat", json={"message": random.choice(CHAT_MESSAGES), "model": "a"}, name="Chat (Model A)", timeout=60)


class ChatModelBUser(HttpUser):
    host = AI_AGENT_URL
    wait_time = constant_pacing(45)

    @task
    def chat(self):
        self.client.post("/chat", json={"message": random.choice(CHAT_MESSAGES), "model": "b"}, name="Chat (Model B)", timeout=60)


class PassiveLoadUser(HttpUser):
    host = AI_AGENT_URL
    wait_time = constant_pacing(18)

    def pick_prompt(self):
        roll = random.random()
        if roll < 0.4:
            return "Tool Prompt", random.choice(TOOL_PROMPTS)
        elif roll < 0.9:
            return "Simple Prompt", random.choice(SIMPLE_PROMPTS)
        return "Error Prompt", random.choice(ERROR_PROMPTS)

    @task
    def send_prompt(self):
        category, prompt = self.pick_prompt()
        for model in ("a", "b"):
            with self.client.post(
                "/chat",
                json={"message": prompt, "model": model},
                name=f"{category} (Model {model.upper()})",
                timeout=120,
                catch_response=True,
            ) as response:
                if response.status_code != 200:
                    response.failure(f"HTTP {response.status_code}")


@events.test_start.add_listener
def on_test_start(environment, **kwargs):
    print("starting")
