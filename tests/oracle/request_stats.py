"""Replays request logs into Locust's own RequestStats and prints what it says.

One log a line on standard input, as JSON: {"start": microseconds, "steps": [step, ...]}; a step is
["request", at, method, name, response time, content length, error or null], ["reset", at], or
["ask", now, name column width]. All times are whole microseconds. For each log one line is printed:
the list of answers to its questions.
"""

import json
import sys
import types

import locust.stats
from locust.stats import RequestStats


class Clock:
    """Stands in for the `time` module in locust.stats."""

    micros = 0

    def time(self):
        return self.micros / 1_000_000


def answer(stats, name_width):
    locust.stats.STATS_NAME_WIDTH = name_width
    return {
        "rows": [row.to_dict() for row in locust.stats.sort_stats(stats.entries)],
        "total": stats.total.to_dict(),
        "fail_ratio": stats.total.fail_ratio,
        "errors": [error.serialize() for error in stats.errors.values()],
        "current_response_time_percentiles": {
            f"response_time_percentile_{fraction}": stats.total.get_current_response_time_percentile(fraction)
            for fraction in locust.stats.PERCENTILES_TO_CHART
        },
        "tables": {
            "current": locust.stats.get_stats_summary(stats, current=True),
            "total": locust.stats.get_stats_summary(stats, current=False),
            "percentiles": locust.stats.get_percentile_stats_summary(stats),
            "errors": locust.stats.get_error_report_summary(stats),
        },
    }


def replay(log, clock):
    clock.micros = log["start"]
    stats = RequestStats()
    answers = []
    for kind, at, *rest in log["steps"]:
        clock.micros = at
        if kind == "request":
            method, name, response_us, content_length, error = rest
            stats.log_request(method, name, response_us / 1000, content_length)
            if error is not None:
                stats.log_error(method, name, error)
        elif kind == "reset":
            stats.reset_all()
        else:
            answers.append(answer(stats, *rest))
    return answers


def main():
    clock = Clock()
    locust.stats.time = types.SimpleNamespace(time=clock.time)
    for line in sys.stdin:
        print(json.dumps(replay(json.loads(line), clock)), flush=True)


if __name__ == "__main__":
    main()
