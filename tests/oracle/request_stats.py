"""Replays request logs into Locust's own RequestStats and prints what it says.

One log a line on standard input, as JSON: {"start": microseconds, "steps": [step, ...]}; a step is
["request", at, method, name, response time, content length, error or null], ["reset", at],
["ask", now, name column width], or ["history", now], which asks for the lines of the history's file and
the point of the charts. All times are whole microseconds. For each log one line is printed: the list of
answers to its questions.
"""

import csv
import io
import json
import sys
import types

import locust.stats
from locust.stats import PERCENTILES_TO_REPORT, RequestStats, StatsCSV, StatsCSVFileWriter


class Clock:
    """Stands in for the `time` module in locust.stats."""

    micros = 0

    def time(self):
        return self.micros / 1_000_000


class Files(StatsCSVFileWriter):
    """Writes what Locust writes to files, but into texts."""

    def __init__(self, stats, full_history):
        runner = types.SimpleNamespace(user_count=0, exceptions={})
        StatsCSV.__init__(self, types.SimpleNamespace(stats=stats, runner=runner), PERCENTILES_TO_REPORT)
        self.full_history = full_history

    def text(self, write, *arguments):
        text = io.StringIO(newline="")
        write(csv.writer(text), *arguments)
        return text.getvalue()


def history_lines(stats, full_history, now):
    files = Files(stats, full_history)
    return files.text(files._stats_history_data_rows, now)


def history(stats, now):
    runner = types.SimpleNamespace(stats=stats, user_count=0)
    locust.stats.update_stats_history(runner)
    return {
        "point": stats.history.pop(),
        "lines": history_lines(stats, False, now),
        "all_lines": history_lines(stats, True, now),
    }


def answer(stats, name_width):
    locust.stats.STATS_NAME_WIDTH = name_width
    files = Files(stats, False)
    return {
        "csv": {
            "requests": files.text(files.requests_csv),
            "failures": files.text(files.failures_csv),
            "history": history_lines(stats, False, locust.stats.time.time()),
        },
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
        elif kind == "history":
            answers.append(history(stats, clock.time()))
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
