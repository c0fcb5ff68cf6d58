"""Words for people, on standard error, with the name of the script before them."""

import os
import sys

PROGRAM = os.path.basename(sys.argv[0])


def say(text):
    print(f"{PROGRAM}: {text}", file=sys.stderr, flush=True)


def usage(text):
    """Ends with what the user did wrong."""
    say(text)
    sys.exit(2)


def die(text):
    """Ends with what went wrong."""
    say(text)
    sys.exit(1)
