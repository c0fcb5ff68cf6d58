"""Encodes bodies as servers in Python do: reads a JSON list of [codings, body in base64], writes a list of
the encoded bodies in base64. The codings are applied from left to right, as Content-Encoding lists them.
"""

import base64
import gzip
import json
import sys
import zlib

import brotli


def raw(data):
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def flushed_brotli(data):
    """What a server has sent once it has flushed each event."""
    compressor = brotli.Compressor()
    events = [event + b"\n\n" for event in data.split(b"\n\n")[:-1]]
    return b"".join(compressor.process(event) + compressor.flush() for event in events)


ENCODERS = {
    "gzip": gzip.compress,
    # two members, the second of which has a name in its header
    "members": lambda data: gzip.compress(data[: len(data) // 2]) + named(data[len(data) // 2 :]),
    "deflate": zlib.compress,
    "raw": raw,
    "br": brotli.compress,
    "flushed br": flushed_brotli,
}


def named(data):
    compressed = gzip.compress(data)
    return compressed[:3] + bytes([compressed[3] | 8]) + compressed[4:10] + b"a name\0" + compressed[10:]


def encoded(codings, body):
    data = base64.b64decode(body)
    for coding in codings:
        data = ENCODERS[coding](data)
    return base64.b64encode(data).decode()


print(json.dumps([encoded(*case) for case in json.load(sys.stdin)]))
