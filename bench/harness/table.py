"""Results: figures per measure and peer over the rounds, and the Markdown table made of them."""

import statistics
from dataclasses import dataclass, field

from . import peers


@dataclass
class Measure:
    """One line of the table: the figures of every peer over the rounds, and what Cicada's must be."""

    title: str
    unit: str
    # the target as the reader sees it, and the test of Cicada's median given all medians; none is no target
    target: str = ""
    meets: object = None
    digits: int = 0
    rounds: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)

    def add(self, peer, value):
        self.rounds.setdefault(peer, []).append(value)

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def medians(self):
        return {peer: statistics.median(values) for peer, values in self.rounds.items() if values}

    def met(self):
        medians = self.medians()
        if self.meets is None:
            return ""
        if peers.CICADA not in medians:
            return "not measured"
        verdict = self.meets(medians)
        return "not measured" if verdict is None else "met" if verdict else "**not met**"

    def cell(self, peer):
        value = self.medians().get(peer)
        return "" if value is None else f"{value:,.{self.digits}f}"

    def as_json(self):
        return {
            "measure": self.title,
            "unit": self.unit,
            "target": self.target,
            "met": self.met(),
            "medians": self.medians(),
            "rounds": self.rounds,
            "notes": self.notes,
        }


def at_most(limit):
    return lambda medians: medians[peers.CICADA] <= limit


def markdown(measures, facts):
    """The table, the spread of the rounds below it, and what was learned on the way."""
    heads = ["measure", "unit", *peers.ALL, "target for Cicada", ""]
    lines = [
        f"# Cicada beside its peers\n\n{facts}\n",
        row(heads),
        row(["---", "---", *["---:"] * len(peers.ALL), "---", "---"]),
    ]
    for measure in measures:
        cells = [measure.cell(peer) for peer in peers.ALL]
        lines.append(row([measure.title, measure.unit, *cells, measure.target, measure.met()]))
    spreads = [spread(measure) for measure in measures if any(len(v) > 1 for v in measure.rounds.values())]
    if spreads:
        lines += ["\nLowest and highest of the rounds:\n", *spreads]
    notes = [f"- {measure.title}: {note}" for measure in measures for note in measure.notes]
    if notes:
        lines += ["\nNotes:\n", *notes]
    return "\n".join(lines) + "\n"


def row(cells):
    return "| " + " | ".join(cells) + " |"


def spread(measure):
    parts = [
        f"{peer} {min(values):,.{measure.digits}f}-{max(values):,.{measure.digits}f}"
        for peer, values in measure.rounds.items()
    ]
    return f"- {measure.title} ({measure.unit}): {', '.join(parts)}"
