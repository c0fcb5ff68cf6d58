"""The memory that the messages of the function tick need."""

from .words import say

# ticks of a message, and MB with which a response time has less than 2 ms of the tick's own at p95 where messages are full:
# aggregator/cost/src/tick-memory-2026-11.toml
ENOUGH = ((10, 128), (18, 256), (31, 512), (53, 1_024), (100, 1_769))


def enough(ticks):
    return next(memory for most, memory in ENOUGH if ticks <= most)


def look(settings):
    """Says where full messages have too little."""
    memory, ticks = int(settings.now("memory")), int(settings.now("ticks-per-message"))
    if memory < enough(ticks):
        say(
            f"--memory {memory} is little for messages of {ticks} ticks: where they are full, response times include waiting"
            f" for the CPU below {enough(ticks)} MB (docs/scale.md)"
        )
