"""Locust's own options: their names, and the values that they have with the configuration files of some folders.

Reads a list of {folder, arguments}; the user's home is `home` in the folder.
"""

import json
import os
import sys

from locust.argument_parser import get_parser

asked = json.load(sys.stdin)
actions = get_parser(default_config_files=[])._actions
options = [flag for action in actions for flag in action.option_strings if flag.startswith("--")]
answers = []
for case in asked:
    os.chdir(case["folder"])
    os.environ["HOME"] = case["folder"] + "/home"
    found = get_parser().parse_args(case["arguments"])
    answers.append(
        [found.num_users, found.spawn_rate, found.loglevel, found.host, found.headless, found.user_classes]
    )
print(json.dumps({"options": options, "answers": answers}))
