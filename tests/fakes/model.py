"""A scripted model: the part of Anthropic's Messages API that Claude Code needs, on loopback.

    model = Model({"first": [say("Hello."), use("Bash", command="true"), say("Done.")]})
    with model:
        run claude with model.environment()
    model.prompts("first")       what the conversation `first` sent, request by request

Contract
- A conversation is known by its key, a word that stands in its first user message: the prompt of a session, or the prompt
  that a session gave to a subagent. Its reply is the one at the number of turns that the model has had in it, so the
  server keeps no state, and a request that is sent again gets the same answer.
- A reply is `say(TEXT)`, `use(TOOL, **input)`, a list of those for one turn, or a callable that takes the Request and
  returns one: it may wait (for another session, say), at most as long as the client does.
- Whatever belongs to no conversation (titles, summaries) is answered with a short text; after its last reply a conversation
  is ended with one. Each request is recorded in `requests`.
- It is also the client's proxy: what the client wants from any other host is refused, and recorded in `strays`.

Nothing here outlives the process: the server is a thread of it, bound to 127.0.0.1, and ends with the `with` block.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_numbers = itertools.count()

PATIENCE = 50
"""Requests for one and the same turn after which the client is told that it goes round in a circle."""

Block = dict[str, Any]
Reply = Block | list[Block] | Callable[["Request"], Block | list[Block]]


def say(text: str) -> Block:
    return {"type": "text", "text": text}


def use(tool: str, **arguments: object) -> Block:
    return {"type": "tool_use", "name": tool, "input": arguments}


class Request:
    """One request: `key` of its conversation ("" if of none), its `turn` there, and the `body` as it was sent."""

    def __init__(self, key: str, body: Mapping[str, Any]) -> None:
        self.key = key
        self.body = body
        self.messages: list[dict[str, Any]] = list(body.get("messages", []))
        self.turn = sum(message["role"] == "assistant" for message in self.messages)

    @property
    def text(self) -> str:
        """All that the model was told: system prompt and messages, tool results included, each text on lines of its own."""
        return "\n".join(
            [*_texts(self.body.get("system", "")), *_texts([m["content"] for m in self.messages])]
        )

    @property
    def news(self) -> str:
        """What came since the model's last turn: the prompt, or the results of its tools and what hooks added."""
        fresh: list[str] = []
        for message in reversed(self.messages):
            if message["role"] == "assistant":
                break
            fresh = [*_texts(message["content"]), *fresh]
        return "\n".join(fresh)

    def result(self) -> dict[str, Any]:
        """The last tool result: {"content": …, "is_error": …}."""
        for message in reversed(self.messages):
            for block in reversed(message["content"] if isinstance(message["content"], list) else []):
                if block.get("type") == "tool_result":
                    return {"content": "\n".join(_texts(block)), "is_error": bool(block.get("is_error"))}
        raise AssertionError("no tool result was sent")


class Model:
    """The server. `scripts`: {key: replies}; may be extended while it runs."""

    def __init__(self, scripts: Mapping[str, list[Reply]] | None = None) -> None:
        self.scripts: dict[str, list[Reply]] = dict(scripts or {})
        self.requests: list[Request] = []
        self.strays: list[str] = []
        self._lock = threading.Lock()
        self._server = _Server(self)

    def __enter__(self) -> Model:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def environment(self) -> dict[str, str]:
        """Variables with which Claude Code talks to this server and to nobody else."""
        return {
            "ANTHROPIC_BASE_URL": self.url,
            "ANTHROPIC_API_KEY": "no-key",
            "HTTP_PROXY": self.url,
            "HTTPS_PROXY": self.url,
            "NO_PROXY": "127.0.0.1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "DISABLE_TELEMETRY": "1",
        }

    def of(self, key: str) -> list[Request]:
        """The requests of one conversation, in order, each turn once."""
        with self._lock:
            return list({request.turn: request for request in self.requests if request.key == key}.values())

    def record(self, body: Mapping[str, Any]) -> Request:
        opening = "\n".join(_texts(next((m["content"] for m in body["messages"] if m["role"] == "user"), "")))
        with self._lock:
            key = max(
                (key for key in self.scripts if key in opening and body.get("tools")), key=len, default=""
            )
            request = Request(key, body)
            self.requests.append(request)
        return request

    def stray(self, what: str) -> None:
        with self._lock:
            self.strays.append(what)

    def reply_to(self, request: Request) -> list[Block]:
        replies = self.scripts.get(request.key, [])
        reply: Reply = replies[request.turn] if request.turn < len(replies) else say("That is all.")
        if callable(reply):
            reply = reply(request)
        blocks = reply if isinstance(reply, list) else [reply]
        return [
            {**block, "id": f"toolu_{request.key}_{request.turn}_{number}"}
            if block["type"] == "tool_use"
            else block
            for number, block in enumerate(blocks)
        ]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, model: Model) -> None:
        self.model = model
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, *_: object) -> None:
        """A client that goes away in the middle of an answer is an ordinary end."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        if self.path.startswith("/v1/messages/count_tokens"):
            self._send_json({"input_tokens": 1})
        elif self.path.startswith("/v1/messages"):
            model = self.server.model
            request = model.record(body)
            if (
                len([one for one in model.requests if (one.key, one.turn) == (request.key, request.turn)])
                > PATIENCE
            ):
                self._refuse(400)
                return
            blocks = model.reply_to(request)
            if body.get("stream"):
                self._stream(body["model"], blocks)
            else:
                self._send_json(_message(body["model"], blocks))
        else:
            self._refuse()

    def _refuse(self, status: int = 404) -> None:
        if not self.path.startswith("/"):
            self.server.model.stray(f"{self.command} {self.path}")
        self._send_json({"type": "error", "error": {"type": "not_found_error", "message": self.path}}, status)

    do_GET = do_HEAD = do_PUT = do_CONNECT = _refuse  # noqa: N815  (named by http.server)

    def _send_json(self, body: object, status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, name: str, blocks: list[Block]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        for event in _events(name, blocks):
            self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())

    def log_message(self, *_: object) -> None:
        pass


def _message(name: str, blocks: list[Block]) -> dict[str, Any]:
    uses = any(block["type"] == "tool_use" for block in blocks)
    return {
        "id": f"msg_{next(_numbers)}",  # the client joins messages of one id into one turn
        "type": "message",
        "role": "assistant",
        "model": name,
        "content": blocks,
        "stop_reason": "tool_use" if uses else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def _events(name: str, blocks: list[Block]) -> list[dict[str, Any]]:
    """The answer as the events of a stream (Messages API, "Streaming messages")."""
    whole = _message(name, blocks)
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}}
    ]
    for index, block in enumerate(blocks):
        if block["type"] == "tool_use":
            start: Block = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        else:
            start = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": block["text"]}
        events += [
            {"type": "content_block_start", "index": index, "content_block": start},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
        ]
    ended = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    return [
        *events,
        {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]


def _texts(content: object) -> list[str]:
    """Every text in a message's content, however it is nested."""
    if isinstance(content, str):
        return [content]
    if isinstance(content, list):
        return [text for part in content for text in _texts(part)]
    if isinstance(content, dict):
        return _texts(content.get("text", content.get("content", [])))
    return []
