"""Prints what Locust's own parse_timespan makes of the texts of a JSON list on standard input: a list
of seconds, or null where it raises an error."""

import json
import sys

from locust.util.timespan import parse_timespan


def seconds(text):
    try:
        return parse_timespan(text)
    except (ValueError, OverflowError):
        return None


json.dump([seconds(text) for text in json.load(sys.stdin)], sys.stdout)
