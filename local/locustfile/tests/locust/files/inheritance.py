from locust import HttpUser, between, task


class Base(HttpUser):
    abstract = True
    host = "http://127.0.0.1:1"
    wait_time = between(1, 2)
    section = "none"

    def url(self):
        return "/" + self.section

    @task
    def open_section(self):
        self.client.get(self.url())


class News(Base):
    section = "news"


class Sport(Base):
    section = "sport"
    weight = 4

    @task(2)
    def scores(self):
        self.client.get("/scores")
