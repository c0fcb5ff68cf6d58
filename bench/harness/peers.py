"""The load generators by name: how each is told to do the same thing as the others."""

from . import places

# the columns of the table, in order
CICADA, BARE, LOADED, GOOSE, FAST, REQUESTS = (
    "Cicada",
    "bare reqwest",
    "bare reqwest with TLS, cookies, compression",
    "Goose",
    "Locust FastHttpUser",
    "Locust HttpUser",
)
ALL = (CICADA, BARE, LOADED, GOOSE, FAST, REQUESTS)

# what Goose can leave out, it leaves out; its statistics of requests stay on
GOOSE_AT_ITS_BEST = [
    "--no-telnet",
    "--no-websocket",
    "--no-print-metrics",
    "--no-transaction-metrics",
    "--no-scenario-metrics",
    "--no-error-summary",
    "--no-status-codes",
    "--no-percentiles-over-time",
    "--no-gzip",
    "--no-reset-metrics",
    "-q",
]


def throughput(peer, url, users, seconds):
    """The command and environment with which a peer gets `/` with so many users and no wait."""
    if peer == BARE or peer == LOADED:
        binary = places.PEERS / ("bare" if peer == BARE else "bare-loaded")
        return [binary, "--url", url + "/", "--users", users, "--seconds", seconds], {}
    if peer == GOOSE:
        flags = ["-H", url, "-u", users, "-r", users, "-t", f"{seconds:.0f}s"]
        return [places.PEERS / "goose-peer", *flags, *GOOSE_AT_ITS_BEST], {}
    return locust("throughput.py", peer, url, users, users, seconds)


def pacing(peer, url, users, seconds, spread):
    """The same for users at one iteration a second, spread over it by hand or as they come."""
    command, environment = locust("pacing.py", peer, url, users, users, seconds)
    return command, {**environment, **({"BENCH_SPREAD": str(users)} if spread else {})}


def locust(file, peer, url, users, rate, seconds):
    command = [
        places.LOCUST, "-f", places.BENCH / "locust" / file, "--headless", "-H", url,
        "-u", users, "-r", rate, "-t", f"{seconds:.0f}s", "--only-summary", "--loglevel", "WARNING",
    ]  # fmt: skip
    return command, {"BENCH_CLIENT": "fast" if peer == FAST else "requests"}


def cicada(binary, workload, port, users, rate, seconds, database, host=None):
    """Cicada with its page on `port`; `workload` none is the default mix."""
    command = [binary]
    if workload:
        command += ["-f", places.BENCH / "workloads" / workload]
    if host:
        command += ["-H", host]
    return command + [
        "--autostart", "--web-host", "127.0.0.1", "--web-port", port, "-u", users, "-r", rate,
        "-t", f"{seconds:.0f}s", "--db", database, "--seed", 1, "--only-summary", "--loglevel", "WARNING",
    ]  # fmt: skip
