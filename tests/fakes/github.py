"""A fake GitHub: its REST API over a Unix socket, for the real gh.

    python tests/fakes/github.py --socket PATH [--log PATH] [--repo OWNER/NAME …] [--rules minute=3,per_minute=20]
                                 [--faults FILE] [--lag SECONDS] [--parent PID]

gh talks plain HTTP over a socket that `http_unix_socket` in $GH_CONFIG_DIR/config.yml names, for every host: no
certificate, no name service, no port. fakes/running.py starts it for tests. It prints `ready` and ends when PID (by
default the process that started it) is gone, or when its standard input, if that is a pipe, reaches its end.

Guarantees: rate headers tell the truth; limits are enforced (github_rules.py); each request is one line of the log, with
its times, whether it was carried out, and why it was refused; faults happen as asked (github_faults.py).
Non-guarantees: it knows the parts of GitHub that CCPM uses; of GraphQL only that it has a pool of its own.

Control, through the same socket, uncounted and unlogged:
    GET  /_fake/state                            issues, comments, labels, sub-issues of every repository, for checking
    POST /_fake/faults [FAULT …]                 add faults; DELETE removes all
    POST /_fake/clock {"advance": S}|{"freeze": T|null}
    POST /_fake/set {"lag": S, "auth": false}    and {"repo": "o/r", "has_issues": false, …} {"issue": N, "locked": true}
    POST /_fake/pool {"name": "core", "used": N}
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import select
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from fakes.github_faults import Fault
from fakes.github_model import LOGIN, Ids, Problem, Repository
from fakes.github_rules import CREATE, READ, WRITE, Clock, Limiter, Pool, Refusal, Rules


class Answer(NamedTuple):
    status: int
    body: Any = None
    headers: dict[str, str] = {}  # noqa: RUF012  (never written to)


class Request(NamedTuple):
    method: str
    path: str
    query: dict[str, str]
    body: dict[str, Any]


class Cut(Exception):
    """The connection shall end here; `data`: what is sent before that."""


class GitHub:
    """The whole state of the fake, and the answers."""

    def __init__(self, rules: Rules, repositories: list[str]) -> None:
        self.clock = Clock()
        self.limiter = Limiter(rules, self.clock)
        self.lock = threading.RLock()
        ids = Ids()
        self.ids = ids
        self.repositories = {name.lower(): Repository(name, ids) for name in repositories}
        self.faults: list[Fault] = []
        self.lag = 0.0
        self.auth = True

    def fault_for(self, method: str, path: str) -> Fault | None:
        with self.lock:
            return next((fault for fault in self.faults if fault.take(method, path)), None)

    def pool_of(self, path: str) -> Pool:
        name = "graphql" if path == "/graphql" else "search" if path.startswith("/search/") else "core"
        return self.limiter.pools[name]

    def answer(self, request: Request) -> Answer:
        for method, pattern, work in ROUTES:
            found = pattern.fullmatch(request.path)
            if found and method == request.method:
                with self.lock:
                    try:
                        return work(self, request, *found.groups())
                    except Problem as problem:
                        return error(problem.status, problem.message, problem.errors)
        return error(404, "Not Found")

    def repository(self, name: str) -> Repository:
        found = self.repositories.get(name.lower())
        if found is None:
            raise Problem(404, "Not Found")
        return found

    def control(self, request: Request) -> Answer:
        given = request.body
        with self.lock:
            if request.path == "/_fake/faults":
                if request.method == "DELETE":
                    self.faults.clear()
                self.faults += [Fault(one) for one in (given if isinstance(given, list) else [])]
            elif request.path == "/_fake/clock":
                if "freeze" in given:
                    self.clock.freeze(given["freeze"])
                self.clock.advance(given.get("advance", 0))
                return Answer(200, {"now": self.clock.now()})
            elif request.path == "/_fake/pool":
                pool = self.limiter.pools[given["name"]]
                pool.roll(self.clock.now())
                pool.used = given["used"]
            elif request.path == "/_fake/set":
                self._set(given)
            elif request.path == "/_fake/state":
                return Answer(200, {name: dump(found) for name, found in self.repositories.items()})
            else:
                return error(404, "Not Found")
        return Answer(200, {})

    def _set(self, given: dict[str, Any]) -> None:
        self.lag = given.get("lag", self.lag)
        self.auth = given.get("auth", self.auth)
        settings = {key: value for key, value in given.items() if key not in ("lag", "auth", "repo", "issue")}
        if "repo" not in given:
            return
        repository = self.repositories.setdefault(given["repo"].lower(), Repository(given["repo"], self.ids))
        target = repository.issues[given["issue"]] if "issue" in given else repository.settings
        target.update(settings)


def dump(found: Repository) -> dict[str, Any]:
    return {
        "issues": list(found.issues.values()),
        "comments": list(found.comments.values()),
        "labels": list(found.labels.values()),
        "children": {str(parent): below for parent, below in found.children.items()},
    }


def error(status: int, message: str, errors: list[dict[str, str]] | None = None) -> Answer:
    body: dict[str, Any] = {"message": message, "documentation_url": "https://docs.github.com/rest"}
    return Answer(status, {**body, "errors": errors} if errors else body)


def page(github: GitHub, request: Request, items: list[Any]) -> Answer:
    """One page of a list, with the Link header that GitHub gives."""
    size = min(100, max(1, int(request.query.get("per_page", 30))))
    number = max(1, int(request.query.get("page", 1)))
    last = max(1, -(-len(items) // size))
    links = []
    for name, target in (("prev", number - 1), ("next", number + 1), ("last", last), ("first", 1)):
        if 1 <= target <= last and target != number and (name != "first" or number > 1):
            pairs = {**request.query, "per_page": str(size), "page": str(target)}
            query = "&".join(f"{key}={value}" for key, value in pairs.items())
            links.append(f'<https://api.github.com{request.path}?{query}>; rel="{name}"')
    chosen = items[(number - 1) * size : number * size]
    return Answer(200, chosen, {"Link": ", ".join(links)} if links else {})


def _rate_limit(github: GitHub, request: Request) -> Answer:
    now = github.clock.now()
    pools = {name: pool.describe(now) for name, pool in github.limiter.pools.items()}
    return Answer(200, {"resources": pools, "rate": pools["core"]})


def _search(github: GitHub, request: Request) -> Answer:
    words = [word for word in request.query.get("q", "").split() if ":" not in word]
    found = [
        issue
        for repository in github.repositories.values()
        for issue in repository.list_issues({"state": "all"}, github.clock.now())
        if all(word.strip('"') in f"{issue['title']} {issue['body']}" for word in words)
    ]
    return Answer(200, {"total_count": len(found), "incomplete_results": False, "items": found})


def _locking(github: GitHub, request: Request, name: str, number: str) -> Answer:
    github.repository(name).issue(int(number))["locked"] = request.method == "PUT"
    return Answer(204)


def _edit_comment(github: GitHub, request: Request, name: str, number: str) -> Answer:
    comment = github.repository(name).comment(int(number))
    comment.update(body=request.body.get("body", comment["body"]), updated_at=_now(github))
    return Answer(200, comment)


def _delete_comment(github: GitHub, request: Request, name: str, number: str) -> Answer:
    repository = github.repository(name)
    repository.comment(int(number))
    del repository.comments[int(number)]
    return Answer(204)


def _edit_label(github: GitHub, request: Request, name: str, label: str) -> Answer:
    found = github.repository(name).find_label(unquote(label))
    found.update({key: request.body[key] for key in ("color", "description") if key in request.body})
    return Answer(200, found)


def _add_labels(github: GitHub, request: Request, name: str, number: str) -> Answer:
    repository = github.repository(name)
    issue = repository.issue(int(number))
    given = request.body.get("labels", []) if isinstance(request.body, dict) else request.body
    before = [] if request.method == "PUT" else [label["name"] for label in issue["labels"]]
    edited = repository.edit_issue(int(number), {"labels": [*before, *given]}, github.clock.now())
    return Answer(200, edited["labels"])


def _remove_label(github: GitHub, request: Request, name: str, number: str, label: str) -> Answer:
    repository = github.repository(name)
    left = [one["name"] for one in repository.issue(int(number))["labels"]]
    kept = [one for one in left if one.lower() != unquote(label).lower()]
    if len(kept) == len(left):
        raise Problem(404, "Label does not exist")
    edited = repository.edit_issue(int(number), {"labels": kept}, github.clock.now())
    return Answer(200, edited["labels"])


def _now(github: GitHub) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(github.clock.now()))


def _edit_repository(github: GitHub, request: Request, name: str) -> Answer:
    repository = github.repository(name)
    repository.settings.update(request.body)
    return Answer(200, repository.describe())


_REPO = r"/repos/([^/]+/[^/]+)"
_ISSUE = _REPO + r"/issues/(\d+)"


def route(
    method: str, path: str, work: Callable[..., Any]
) -> tuple[str, re.Pattern[str], Callable[..., Any]]:
    return method, re.compile(path), work


ROUTES = [
    route("GET", "/", lambda hub, req: Answer(200, {}, {"X-Oauth-Scopes": "repo"})),
    route("GET", "/user", lambda hub, req: Answer(200, {"login": LOGIN, "id": 1})),
    route("GET", "/rate_limit", _rate_limit),
    route("POST", "/graphql", lambda hub, req: Answer(200, {"data": {"viewer": {"login": LOGIN}}})),
    route("GET", "/search/issues", _search),
    route("GET", _REPO, lambda hub, req, name: Answer(200, hub.repository(name).describe())),
    route("PATCH", _REPO, _edit_repository),
    route("GET", _REPO + "/issues", lambda hub, req, name: page(
        hub, req, hub.repository(name).list_issues(req.query, hub.clock.now()))),
    route("POST", _REPO + "/issues", lambda hub, req, name: Answer(
        201, hub.repository(name).create_issue(req.body, hub.clock.now(), hub.lag))),
    route("GET", _ISSUE, lambda hub, req, name, number: Answer(200, hub.repository(name).issue(int(number)))),
    route("PATCH", _ISSUE, lambda hub, req, name, number: Answer(
        200, hub.repository(name).edit_issue(int(number), req.body, hub.clock.now()))),
    route("PUT", _ISSUE + "/lock", _locking),
    route("DELETE", _ISSUE + "/lock", _locking),
    route("GET", _ISSUE + "/comments", lambda hub, req, name, number: page(
        hub, req, hub.repository(name).list_comments(int(number), req.query, hub.clock.now()))),
    route("GET", _REPO + "/issues/comments", lambda hub, req, name: page(
        hub, req, hub.repository(name).list_comments(None, req.query, hub.clock.now()))),
    route("POST", _ISSUE + "/comments", lambda hub, req, name, number: Answer(
        201, hub.repository(name).create_comment(int(number), req.body, hub.clock.now(), hub.lag))),
    route("GET", _REPO + r"/issues/comments/(\d+)", lambda hub, req, name, number: Answer(
        200, hub.repository(name).comment(int(number)))),
    route("PATCH", _REPO + r"/issues/comments/(\d+)", _edit_comment),
    route("DELETE", _REPO + r"/issues/comments/(\d+)", _delete_comment),
    route("GET", _REPO + "/labels", lambda hub, req, name: page(
        hub, req, list(hub.repository(name).labels.values()))),
    route("POST", _REPO + "/labels", lambda hub, req, name: Answer(
        201, hub.repository(name).create_label(req.body))),
    route("GET", _REPO + "/labels/([^/]+)", lambda hub, req, name, label: Answer(
        200, hub.repository(name).find_label(unquote(label)))),
    route("PATCH", _REPO + "/labels/([^/]+)", _edit_label),
    route("GET", _ISSUE + "/labels", lambda hub, req, name, number: Answer(
        200, hub.repository(name).issue(int(number))["labels"])),
    route("POST", _ISSUE + "/labels", _add_labels),
    route("PUT", _ISSUE + "/labels", _add_labels),
    route("DELETE", _ISSUE + "/labels/([^/]+)", _remove_label),
    route("GET", _ISSUE + "/sub_issues", lambda hub, req, name, number: page(
        hub, req, hub.repository(name).children_of(int(number)))),
    route("POST", _ISSUE + "/sub_issues", lambda hub, req, name, number: Answer(
        201, hub.repository(name).add_child(int(number), req.body))),
    route("DELETE", _ISSUE + "/sub_issue", lambda hub, req, name, number: Answer(
        200, hub.repository(name).remove_child(int(number), req.body))),
    route("GET", _ISSUE + "/parent", lambda hub, req, name, number: Answer(
        200, hub.repository(name).parent_of(int(number)))),
]  # fmt: skip


class Log:
    """One JSON line a request, written when it is answered or cut off."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "a", buffering=1)  # noqa: SIM115  (open as long as the fake runs)
        self._lock = threading.Lock()

    def write(self, line: dict[str, Any]) -> None:
        with self._lock:
            self._file.write(json.dumps(line) + "\n")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do(self) -> None:
        self.close_connection = True
        arrived = time.time()
        request = self._read()
        if request is None:
            return
        if request.path.startswith("/_fake/"):
            self._send(self.server.github.control(request))
            return
        github = self.server.github
        line: dict[str, Any] = {
            "at": github.clock.now() - (time.time() - arrived),
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "kind": kind_of(request),
            "title": request.body.get("title") if isinstance(request.body, dict) else None,
            "done": False,
            "status": 0,
        }
        try:
            self._serve(github, request, line)
        except Cut:
            line["cut"] = True
        except OSError:
            pass  # the client is gone
        finally:
            self._log(line)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do  # noqa: N815  (http.server calls them so)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _read(self) -> Request | None:
        url = urlsplit(self.path)
        path = re.sub(r"^/api/(v3(?=/)|(?=graphql))", "", url.path)  # the prefix of an enterprise server
        try:
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                data = self._read_chunks()
            else:
                size = int(self.headers.get("Content-Length") or 0)
                data = self.rfile.read(size)
                if len(data) < size:
                    return None
            body = json.loads(data) if data.strip() else {}
        except ValueError:
            self._send(error(400, "Problems parsing JSON"))
            return None
        return Request(
            self.command, path if path.startswith("/") else f"/{path}", dict(parse_qsl(url.query)), body
        )

    def _read_chunks(self) -> bytes:
        data = b""
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def _serve(self, github: GitHub, request: Request, line: dict[str, Any]) -> None:
        pool = github.pool_of(request.path)
        fault = github.fault_for(request.method, request.path)
        if fault:
            line["fault"] = fault.given
            self._suffer(fault, "before", line)
        if not github.auth or (fault and fault.do == "auth"):
            self._finish(error(401, "Bad credentials"), line)
            return
        if request.path == "/rate_limit":
            self._finish(github.answer(request), line, pool.headers(github.clock.now()))
            return
        refusal = self._refusal(github, fault, line["kind"], pool)
        if refusal:
            line["refused"] = refusal.why
            self._finish(self._refused(refusal), line, pool.headers(github.clock.now()))
            return
        try:
            if fault and fault.do == "status" and fault.when == "before":
                answer = Answer(fault.status, {"message": fault.message}, fault.given.get("headers", {}))
            else:
                answer = github.answer(request)
                line["done"] = answer.status < 300
            answer = self._tagged(github, request, pool, answer)
            if fault:
                self._suffer(fault, "after", line, answer)
        finally:
            github.limiter.leave(line["kind"])  # before the answer: with it the client may send the next one
        self._finish(answer, line, pool.headers(github.clock.now()))

    def _refusal(self, github: GitHub, fault: Fault | None, kind: str, pool: Pool) -> Refusal | None:
        limiter = github.limiter
        if fault and fault.do == "exhausted":
            pool.roll(github.clock.now())
            pool.used = pool.limit
        if fault and fault.do in ("secondary", "too-many"):
            seconds = fault.given.get("retry_after", limiter.rules.retry_after)
            refusal = limiter.punish("fault", seconds or 0.0, fault.status)
            return refusal._replace(retry_after=seconds)
        return limiter.admit(kind, pool)

    def _refused(self, refusal: Refusal) -> Answer:
        headers = {}
        if refusal.retry_after is not None:
            headers["Retry-After"] = (
                f"{refusal.retry_after:g}"
                if refusal.retry_after < 1
                else f"{-(-refusal.retry_after // 1):.0f}"
            )
        return error(refusal.status, refusal.message)._replace(headers=headers)

    def _suffer(self, fault: Fault, when: str, line: dict[str, Any], answer: Answer | None = None) -> None:
        if fault.do == "delay" and fault.when == when:
            time.sleep(fault.given["seconds"])
        elif fault.do == "cut" and fault.when == when:
            raise Cut
        elif fault.do == "cut" and fault.when == "middle" and answer is not None:
            self._finish(answer, line, half=True)
            raise Cut
        elif fault.do == "status" and fault.when == when == "after":
            self._finish(
                Answer(fault.status, {"message": fault.message}, fault.given.get("headers", {})), line
            )
            raise Cut

    def _tagged(self, github: GitHub, request: Request, pool: Pool, answer: Answer) -> Answer:
        if request.method != "GET" or answer.status != 200:
            return answer
        tag = 'W/"' + hashlib.sha256(json.dumps(answer.body).encode()).hexdigest() + '"'
        headers = {**answer.headers, "Etag": tag}
        if self.headers.get("If-None-Match") == tag:
            github.limiter.give_back(pool)
            return Answer(304, None, headers)
        return answer._replace(headers=headers)

    def _finish(
        self, answer: Answer, line: dict[str, Any], headers: dict[str, str] | None = None, half: bool = False
    ) -> None:
        line["status"] = answer.status
        if half:
            line["cut"] = True
        self._log(line)
        self._send(answer, headers, half)

    def _log(self, line: dict[str, Any]) -> None:
        """Write the line, once, before the answer goes out: whoever has that finds it in the log."""
        if "until" not in line:
            line["until"] = self.server.github.clock.now()
            self.server.log.write(line)

    def _send(self, answer: Answer, headers: dict[str, str] | None = None, half: bool = False) -> None:
        data = b"" if answer.body is None else json.dumps(answer.body).encode()
        self.send_response_only(answer.status)
        now = self.server.github.clock.now()
        for name, value in {
            "Date": formatdate(now, usegmt=True),
            **(headers or {}),
            **answer.headers,
        }.items():
            self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if half else data)


def kind_of(request: Request) -> str:
    if request.path == "/graphql":
        return CREATE if "mutation" in str(request.body.get("query", "")) else READ
    if request.method == "POST":
        return CREATE
    return READ if request.method in ("GET", "HEAD") else WRITE


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: str, github: GitHub, log: Log) -> None:
        self.github = github
        self.log = log
        super().__init__(path, Handler)

    def get_request(self) -> tuple[Any, Any]:
        return super().get_request()[0], ("local", 0)  # a Unix socket has no address to log

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # a client that is gone is none of our worry
            super().handle_error(request, client_address)


def end_with(parent: int | None) -> None:
    """End this process when `parent` is gone, by default the one that started it, or when standard input, if it is a
    pipe, has ended. A dead parent that nobody has waited for still has its pid, but no children."""
    watched = [0] if _is_pipe(0) else []
    starter = os.getppid()
    while True:
        if watched and select.select(watched, [], [], 0.3)[0] and not os.read(0, 4096):
            os._exit(0)
        if not watched:
            time.sleep(0.3)
        if parent is None and os.getppid() != starter:
            os._exit(0)
        try:
            os.kill(parent or starter, 0)
        except ProcessLookupError:
            os._exit(0)


def _is_pipe(descriptor: int) -> bool:
    import stat

    return stat.S_ISFIFO(os.fstat(descriptor).st_mode)


def main() -> None:
    parser = argparse.ArgumentParser(description="A fake GitHub over a Unix socket.")
    parser.add_argument("--socket", required=True)
    parser.add_argument("--log", default=os.devnull)
    parser.add_argument("--repo", action="append", default=[])
    parser.add_argument("--rules", default="")
    parser.add_argument("--faults")
    parser.add_argument("--lag", type=float, default=0.0)
    parser.add_argument("--parent", type=int)
    args = parser.parse_args()
    github = GitHub(Rules.parse(args.rules), args.repo or ["octo/shop"])
    github.lag = args.lag
    if args.faults:
        with open(args.faults) as file:
            github.faults = [Fault(one) for one in json.load(file)]
    with Server(args.socket, github, Log(args.log)) as server:
        threading.Thread(target=end_with, args=(args.parent,), daemon=True).start()
        print("ready", flush=True)
        server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
