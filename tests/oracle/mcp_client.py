"""The Model Context Protocol's own client: connects, lists the tools, and calls some.

The question: {"server": URL, or "command": [PROGRAM, ARGUMENT, ...]; "auth": [USER, PASSWORD] or null,
"mode": "auto" or "legacy", "calls": [[NAME, ARGUMENTS], ...]}.
The answer: {"name", "tools": {NAME: {"description", "schema", "only_reads"}}, "results": [{"is_error", "text", "structured"}]}.
"""

import asyncio
import json
import sys

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client


def server(question):
    if "command" in question:
        program, *arguments = question["command"]
        return StdioServerParameters(command=program, args=arguments)
    auth = tuple(question["auth"]) if question.get("auth") else None
    return streamable_http_client(question["server"], http_client=httpx2.AsyncClient(auth=auth))


async def main():
    question = json.load(sys.stdin)
    async with Client(server(question), mode=question.get("mode", "auto"), read_timeout_seconds=120) as client:
        listed = await client.list_tools()
        results = [await client.call_tool(name, arguments) for name, arguments in question["calls"]]
        tools = {
            tool.name: {
                "description": tool.description,
                "schema": tool.input_schema,
                "only_reads": tool.annotations.read_only_hint,
            }
            for tool in listed.tools
        }
        answer = {
            "name": client.server_info.name,
            "tools": tools,
            "results": [
                {
                    "is_error": bool(result.is_error),
                    "text": "".join(block.text for block in result.content),
                    "structured": result.structured_content,
                }
                for result in results
            ],
        }
    json.dump(answer, sys.stdout)


asyncio.run(main())
