"""What requests' `.json()` makes of responses: reads a JSON list of [content type or null, body in base64],
writes a list of the values in a form in which nothing is lost, or null where `.json()` raises.

Lone surrogates are written as U+FFFD, which is what Cicada keeps of them.
"""

import base64
import json
import struct
import sys

import requests
from requests.utils import get_encoding_from_headers


def form(value):
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, int):
        return f"int {value}"
    if isinstance(value, float):
        return "float nan" if value != value else f"float {struct.pack('>d', value).hex()}"
    if isinstance(value, str):
        return f"str {text(value)}"
    if isinstance(value, list):
        return f"[{', '.join(form(element) for element in value)}]"
    pairs = {text(key): form(element) for key, element in value.items()}
    return f"{{{', '.join(f'{key}: {element}' for key, element in sorted(pairs.items()))}}}"


def text(string):
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in string)


def answer(content_type, body):
    response = requests.Response()
    response._content = base64.b64decode(body)
    if content_type is not None:
        response.headers["Content-Type"] = content_type
    response.encoding = get_encoding_from_headers(response.headers)
    try:
        value = response.json()
    except (ValueError, RecursionError):
        return None
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        return form(value)
    finally:
        sys.setrecursionlimit(limit)


print(json.dumps([answer(*case) for case in json.load(sys.stdin)]))
