"""The compose file as Compose reads it: with its variables filled in."""

import re

import yaml

import image

VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<how>[-?])(?P<text>[^}]*))?\}")


def filled(text, variables):
    """The text with its variables filled in, as Compose fills them; KeyError for one that is required and not set."""
    def value(found):
        given = variables.get(found["name"])
        if not given and found["how"] == "?":
            raise KeyError(found["name"])
        # as a quoted text where nothing would be left
        return given or found["text"] or "''"

    return VARIABLE.sub(value, text)


def read(**variables):
    """local/compose.yaml with these variables."""
    return yaml.safe_load(filled((image.ROOT / "local/compose.yaml").read_text(), variables))
