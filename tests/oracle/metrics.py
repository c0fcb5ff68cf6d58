"""Reads metrics with Prometheus's own Python parser and prints what it has understood.

Standard input has one JSON string, an answer of /metrics. One JSON array is printed: [{"name", "type", "help",
"samples": [[name, labels, value], ...]}, ...], in the order of the families. A counter's family is called
without its _total there.
"""

import json
import sys

from prometheus_client.parser import text_string_to_metric_families


def family(one):
    samples = [[sample.name, sample.labels, sample.value] for sample in one.samples]
    return {"name": one.name, "type": one.type, "help": one.documentation, "samples": samples}


print(json.dumps([family(one) for one in text_string_to_metric_families(json.load(sys.stdin))]))
