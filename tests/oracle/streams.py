"""Figures of streams as GuideLLM computes them: writes the file that a test of aggregator/statistics holds them against.

    python3 -m venv guidellm
    guidellm/bin/pip install --no-deps -r tests/requirements-guidellm.txt
    guidellm/bin/python tests/oracle/streams.py aggregator/statistics/tests/it/guidellm.json

GuideLLM asks for torch, which nothing here needs: too heavy to be installed for each test, so its answers are kept. A stream is
the pieces that came, each with its microseconds after the request was sent. The lines go to GuideLLM's own handlers of
requests, at the instants at which its backend would have them, and the figures are those of its own statistics.
"""

import importlib.metadata
import json
import sys

from guidellm.backends.openai.request_handlers import ChatCompletionsRequestHandler, ResponsesRequestHandler
from guidellm.schemas import GenerationRequest, GenerationRequestArguments, RequestInfo

DONE = "data: [DONE]\n\n"


def chunk(**fields):
    """A piece of a chat completion."""
    return event({"id": "chatcmpl-1", "object": "chat.completion.chunk", **fields})


def delta(**delta):
    return chunk(choices=[{"index": 0, "delta": delta, "finish_reason": None}])


def usage(input, output):
    return {"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output}


def event(value, name=None):
    return (f"event: {name}\n" if name else "") + f"data: {json.dumps(value)}\n\n"


def words(texts, first, between):
    """Deltas of these texts, the first one at `first`, the next ones so long after the one before."""
    return [(first + number * between, delta(content=text)) for number, text in enumerate(texts)]


ROLE = delta(role="assistant", content="")
STOP = chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])

# name: pieces, and when the response had ended
STREAMS = {
    "a token in each delta, and the usage at the end": (
        [(180_000, ROLE), *words(["Two", " containers", " run", "."], 210_000, 31_000), (304_000, STOP),
         (304_500, chunk(choices=[], usage=usage(26, 4))), (304_600, DONE)],
        304_700,
    ),
    "several tokens in each delta": (
        [(90_000, ROLE), *words(["Two containers", " are running", " and healthy."], 150_000, 80_000),
         (320_000, chunk(choices=[], usage=usage(26, 40))), (320_000, DONE)],
        320_250,
    ),
    "nobody says how many tokens there are": (
        [(70_000, ROLE), *words(["a", "b", "c", "d", "e"], 100_000, 12_345), (160_000, STOP), (160_000, DONE)], 160_100,
    ),
    "each delta says how many there are so far": (
        [(50_000 + 20_000 * number, chunk(choices=[{"index": 0, "delta": {"content": "x"}}], usage=usage(7, number + 1)))
         for number in range(6)] + [(151_000, DONE)],
        151_000,
    ),
    "the model thinks before it answers": (
        [(40_000, delta(reasoning_content="Let me")), (60_000, delta(reasoning_content=" see")),
         (400_000, delta(content="Yes")), (430_000, chunk(choices=[], usage=usage(12, 3))), (430_000, DONE)],
        430_900,
    ),
    "it calls a tool": (
        [(100_000, ROLE),
         (130_000, delta(tool_calls=[{"index": 0, "id": "1", "type": "function", "function": {"name": "logs", "arguments": ""}}])),
         (150_000, delta(tool_calls=[{"index": 0, "function": {"arguments": "{\"tail\":"}}])),
         (170_000, delta(tool_calls=[{"index": 0, "function": {"arguments": " 50}"}}])),
         (180_000, chunk(choices=[], usage=usage(60, 18))), (180_000, DONE)],
        180_000,
    ),
    "events come together and in pieces": (
        [(100_000, ": ping\n\n" + delta(content="a") + delta(content="b") + delta(content="c")[:40]),
         (170_000, delta(content="c")[40:] + delta(content="d")), (171_000, DONE)],
        172_000,
    ),
    "lines end with a carriage return": (
        [(at, text.replace("\n", "\r\n")) for at, text in words(["a", "b", "c"], 33_333, 11_111)] + [(60_000, "data: [DONE]\r\n\r\n")],
        60_000,
    ),
    "one token": ([(80_000, delta(content="Yes")), (81_000, chunk(choices=[], usage=usage(5, 1))), (81_000, DONE)], 82_000),
    "nothing is said": ([(80_000, ROLE), (90_000, STOP), (90_000, DONE)], 90_000),
}  # fmt: skip

RESPONSES = {
    "a response of events with types": (
        [(60_000, event({"type": "response.created", "response": {"id": "resp_1", "usage": None}}, "response.created")),
         *((120_000 + 25_000 * number, event({"type": "response.output_text.delta", "delta": text}, "response.output_text.delta"))
           for number, text in enumerate(["Two", " of", " them"])),
         (200_000, event({"type": "response.completed", "response": {
             "id": "resp_1", "usage": {"input_tokens": 31, "output_tokens": 9, "total_tokens": 40}}}, "response.completed"))],
        200_500,
    ),
}  # fmt: skip


def figures(handler, pieces, end_us):
    """What GuideLLM's backend notes of a stream, and its figures of that."""
    request, arguments, info = GenerationRequest(), GenerationRequestArguments(), RequestInfo(status="completed")
    info.request_id = request.request_id
    timings = info.timings
    timings.request_start, timings.request_end = 0.0, end_us / 1e6
    timings.resolve_start, timings.resolve_end = timings.request_start, timings.request_end
    for at, line in lines(pieces):
        iterations = handler.add_streaming_line(line)
        if iterations is None:
            break
        if iterations > 0:
            if timings.first_token_iteration is None:
                timings.first_token_iteration, timings.token_iterations = at, 0
            timings.last_token_iteration = at
            timings.token_iterations += iterations
    stats = handler.compile_streaming(request, arguments).compile_stats(request, info)
    return {
        "time_to_first_token_ms": stats.time_to_first_token_ms,
        "inter_token_latency_ms": stats.inter_token_latency_ms,
        "prompt_tokens": stats.prompt_tokens,
        "output_tokens": stats.output_tokens,
        "output_tokens_per_second": stats.output_tokens_per_second,
    }


def lines(pieces):
    """The lines that are not empty, each with the instant in seconds at which it was complete."""
    begun = ""
    for at, text in pieces:
        *complete, begun = (begun + text).split("\n")
        yield from ((at / 1e6, line.rstrip("\r")) for line in complete if line.strip())


def main():
    of = [(ChatCompletionsRequestHandler, STREAMS), (ResponsesRequestHandler, RESPONSES)]
    streams = [
        {"name": name, "pieces": pieces, "end_us": end, "guidellm": figures(handler(), pieces, end)}
        for handler, streams in of
        for name, (pieces, end) in streams.items()
    ]
    made = {"guidellm": importlib.metadata.version("guidellm"), "made_by": "tests/oracle/streams.py", "streams": streams}
    with open(sys.argv[1], "w") as file:
        json.dump(made, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
