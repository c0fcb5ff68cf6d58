"""Times Locust's own RequestStats on so many outcomes, and prints one line of JSON.

The outcomes are the ones that the aggregator's twin of this program folds: 18 names, response times
from 0.1 to 2,000 ms, and one failure in a hundred with one of four texts. They are made before the clock starts.
"""

import json
import sys
import time

from locust.stats import RequestStats


def outcomes(count):
    """(name, response time in ms, length, error or none), by number."""
    for number in range(count):
        drawn = number * 7919 % 20_000
        error = f"HTTPError {500 + number // 100 % 4}" if number % 100 == 99 else None
        yield f"/route/{number % 18}", (drawn + 1) / 10, 16 + number % 1000, error


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    log = list(outcomes(count))
    stats = RequestStats()
    started = time.perf_counter()
    for name, response_time, length, error in log:
        stats.log_request("GET", name, response_time, length)
        if error:
            stats.log_error("GET", name, error)
    seconds = time.perf_counter() - started
    assert stats.total.num_requests == count
    print(json.dumps({"outcomes": count, "seconds": seconds}))


if __name__ == "__main__":
    main()
