"""How many functions may run at once in the account, and what a stage takes of that."""

from . import aws, names
from .functions import reserved
from .words import die, say

# a fan-out and a few who look at the page run beside the ticks
BESIDE = 5
USUAL_TICKS = 100
FEWEST_TICKS = 2
USUAL_RESERVE = 10
# Lambda lets nobody reserve more than all but these
NEVER_RESERVED = 100



def messages_at_once(ticks_per_message):
    """The messages that an invocation may be given, as functions/traffic/src/requests_at_once.rs has it."""
    return min(max(80 // ticks_per_message, 1), 4)


class Concurrency:
    """`ticks` at once, and `reserve` for the aggregator, 0 for none."""

    def __init__(self, settings, stage, region):
        try:
            limits = aws.ask("lambda", "get-account-settings")["AccountLimit"]
            self.reserved_before = own = reserved(names.function(stage, "aggregator"))
        except aws.Refused as refused:
            die(f"the account's limits cannot be read: {refused}")
        total, free = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"] + own
        said = settings["max-concurrency"]
        self.ticks = int(said) if said else min(USUAL_TICKS, free - BESIDE)
        if self.ticks < FEWEST_TICKS or self.ticks + BESIDE > free:
            wanted = max(self.ticks, FEWEST_TICKS)
            die(
                f"not enough concurrency: the account has {free} of its {total} left in {region}, and --max-concurrency"
                f" {wanted} needs {wanted + BESIDE}: lower it, or ask for more (Service Quotas, AWS Lambda,"
                " Concurrent executions)"
            )
        if not said and self.ticks < USUAL_TICKS:
            say(f"{self.ticks} ticks at once: the account has {free} of its {total} left in {region} (more: Service Quotas, AWS Lambda)")
        self.reserve = self._reserve(settings["aggregator-concurrency"], free)

    def _reserve(self, said, free):
        if said:
            if int(said) and free - int(said) < max(NEVER_RESERVED, self.ticks + 1):
                die(
                    f"--aggregator-concurrency {said} leaves {free - int(said)} for all other functions, and"
                    f" {max(NEVER_RESERVED, self.ticks + 1)} must be left: lower it, or say 0"
                )
            return int(said)
        return USUAL_RESERVE if free - USUAL_RESERVE >= NEVER_RESERVED + self.ticks else 0
