"""The user's `gh`, the only way from here to GitHub: one request, one answer, every failure told apart.

Contract
    answer = gh.api("POST", "repos/o/r/issues", {"title": "x"})      # answer.status, .headers, .json()

`fields` become the query of a GET and the JSON body of anything else; `raw_body` is sent as it is. gh adds the user's
login and the host. An answer below 400, and 304, comes back; everything else is raised:

    Refused (69)      GitHub answered 4xx: `status`, `reason` (its words), `answer`. The caller may judge 404, 410, 422
    RateLimited (75)  403 or 429 because of a limit; it was not carried out. `retry_after`: seconds, None if not told
    Unclear (75)      a 5xx, a cut connection, silence: whether it was carried out is not known
    Offline (69)      the connection was never made: it was not carried out
    Unavailable (69)  there is no gh, or it is not logged in

Guarantees: gh is started without a shell and inherits no descriptor; it ends when we are killed, so no request leaves
after its sender is gone; it is stopped after `SECONDS`; a signal that ended it ends us too, after it has gone.
Non-guarantee: a request that was sent when gh was stopped may have been carried out.

Nothing here counts requests: ops/github/budget.py does, and everything that talks to GitHub goes through that.
"""

from __future__ import annotations

import os

from ccpm.errors import Busy, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any

SECONDS = 60.0
"""How long one request may take. GitHub itself ends one that takes longer than 10 s (docs.github.com, "Timeouts")."""

AUTH_NEEDED = 4
"""gh's exit status where it needs a login (`gh help exit-codes`)."""

INSTALL = "install it from https://cli.github.com, then: gh auth login"
_UNWANTED = ("GH_DEBUG", "DEBUG", "GH_FORCE_TTY", "CLICOLOR_FORCE", "GH_PAGER", "PAGER")
"""Variables that would put words or colours of gh between ours."""


class Answer:
    """What GitHub said. `headers` have lower-case names."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> Any:
        """The body as data; None where it is empty or no JSON."""
        import json

        try:
            return json.loads(self.body) if self.body.strip() else None
        except ValueError:
            return None

    def message(self) -> str:
        """GitHub's own words in an error."""
        data = self.json()
        if not isinstance(data, dict):
            return ""
        words = str(data.get("message", ""))
        errors = data.get("errors")
        details = [_detail(error) for error in errors] if isinstance(errors, list) else []
        return f"{words}: {'; '.join(details)}" if details else words


class Refused(Unavailable):
    """GitHub said no. `status` and `reason` are its own; the request was not carried out."""

    def __init__(self, request: str, answer: Answer, hint: str = "") -> None:
        self.status = answer.status
        self.reason = answer.message()
        self.answer = answer
        words = self.reason or "no reason given"
        super().__init__(
            f"GitHub refused {request}: {words} (HTTP {answer.status})", hint, status=answer.status
        )


class RateLimited(Busy):
    """A limit was hit; the request was not carried out. `retry_after`: seconds that GitHub asks for; None: not told."""

    def __init__(self, request: str, answer: Answer) -> None:
        self.answer = answer
        self.retry_after = retry_after(answer)
        super().__init__(
            f"GitHub refused {request} because of a rate limit: {answer.message()} (HTTP {answer.status})",
            "ccpm-gh limit tells when it goes on",
            status=answer.status,
            retry_after=self.retry_after,
        )


class Unclear(Busy):
    """It is not known whether the request was carried out. `answer`: a 5xx, or one that was cut short."""

    def __init__(self, request: str, why: str, answer: Answer | None = None) -> None:
        self.answer = answer
        super().__init__(
            f"no clear answer from GitHub to {request}: {why}",
            "look at the issue on GitHub before you repeat a change by hand; CCPM's own commands do that by themselves",
        )


class Offline(Unavailable):
    """GitHub cannot be reached; the request was never sent."""

    def __init__(self, request: str, why: str) -> None:
        super().__init__(
            f"GitHub cannot be reached for {request}: {why}", "check the network, then run it again"
        )


def api(
    method: str,
    path: str,
    fields: dict[str, Any] | None = None,
    raw_body: bytes | None = None,
    headers: dict[str, str] | None = None,
    hostname: str | None = None,
    seconds: float = SECONDS,
) -> Answer:
    """Send one request. See the module's contract for what is raised."""
    argv = [program(), "api", "-i", "-X", method]
    if hostname:
        argv += ["--hostname", hostname]
    for name, value in (headers or {}).items():
        argv += ["-H", f"{name}: {value}"]
    body = raw_body
    if fields and method == "GET":
        path += ("&" if "?" in path else "?") + _query(fields)
    elif fields is not None and body is None and method != "GET":
        import json

        body = json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")
    if body is not None:
        argv += ["--input", "-"]
    status, out, err = run([*argv, path], body or b"", seconds)
    return _judge(f"{method} {path.partition('?')[0]}", status, out, err, seconds)


def program() -> str:
    """The path of gh; Unavailable (69) without one."""
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder or ".", "gh")
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    raise Unavailable("the GitHub CLI, gh, is not installed", INSTALL)


def environment() -> dict[str, str]:
    """Ours, so that gh asks nothing, looks for no update and colours nothing."""
    kept = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    return {**kept, "GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"}


def run(argv: list[str], stdin: bytes, seconds: float) -> tuple[int | None, bytes, bytes]:
    """(status, standard output, standard error) of a gh command; status None: it was stopped after `seconds`.

    Files without a name stand for the three streams: a pipe would have to be emptied while it runs."""
    import tempfile

    from ccpm.external.child import Child

    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        with Child(argv, environment(), (given.fileno(), out.fileno(), err.fileno())) as child:
            status = child.wait(seconds)
            if status is None:
                child.stop(1.0)
        if child.forwarded and status == 128 + child.forwarded:
            os.kill(os.getpid(), child.forwarded)
        return status, content(out), content(err)


def content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _judge(request: str, status: int | None, out: bytes, err: bytes, seconds: float) -> Answer:
    answer = parse(out)
    words = err.decode("utf-8", "replace").strip().partition("\n")[0]
    if status is None:
        raise Unclear(request, f"none came within {seconds:.0f} s", answer)
    if answer is None:
        raise without_answer(request, status, words)
    if answer.status >= 500:
        raise Unclear(request, f"{answer.message() or 'an error of GitHub'} (HTTP {answer.status})", answer)
    if answer.status in (403, 429) and is_rate_limit(answer):
        raise RateLimited(request, answer)
    if answer.status >= 400:
        raise Refused(request, answer, _hint_for(answer.status))
    if status != 0 and answer.status != 304:  # gh ends with 1 on a 304, which has no body
        raise Unclear(request, f"the answer was cut short ({words})", answer)
    return answer


def without_answer(request: str, status: int, words: str) -> Busy | Unavailable:
    """The error for a gh that ended with `status` and `words` before any answer came."""
    if status == AUTH_NEEDED:
        return Unavailable(
            "gh is not logged in to GitHub", "gh auth login (or set GH_TOKEN), then run it again"
        )
    if status in (126, 127):
        return Unavailable("the GitHub CLI, gh, cannot be started", INSTALL)
    if "error connecting to" in words or ": dial " in words:
        return Offline(request, words)
    if "unknown flag" in words or "unknown command" in words:
        return Unavailable(f"this gh is too old for {request}: {words}", INSTALL)
    return Unclear(request, words or f"gh ended with {status}")


def _hint_for(status: int) -> str:
    return {
        401: "gh auth login, then run it again",
        403: "check with `gh auth status` that the login may write here",
        404: "check the repository and the number; a private repository needs a login that may see it",
        410: "the issue was deleted, or issues are switched off in the repository's settings",
        422: "GitHub names what is wrong with the values",
    }.get(status, "")


def is_rate_limit(answer: Answer) -> bool:
    """Whether a 403 or 429 is about a limit and not about permissions (docs.github.com, "Exceeding the rate limit")."""
    words = answer.message().lower()
    return (
        answer.status == 429
        or "retry-after" in answer.headers
        or answer.headers.get("x-ratelimit-remaining") == "0"
        or "rate limit" in words
        or "abuse detection" in words
    )


def parse(out: bytes) -> Answer | None:
    """The answer that `gh api -i` printed; None if there is no whole head of one."""
    end = out.find(b"\r\n\r\n")
    head = out[:end].decode("latin-1").splitlines() if end >= 0 else []
    words = head[0].split(" ", 2) if head else []
    if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdigit():
        return None
    pairs = (line.partition(":") for line in head[1:])
    return Answer(int(words[1]), {name.lower(): value.strip() for name, _, value in pairs}, out[end + 4 :])


def _detail(error: object) -> str:
    if not isinstance(error, dict):
        return str(error)
    if error.get("message"):
        return str(error["message"])
    return " ".join(str(error[key]) for key in ("resource", "field", "code") if error.get(key))


def _query(fields: dict[str, Any]) -> str:
    from urllib.parse import urlencode

    return urlencode(fields)


def retry_after(answer: Answer) -> float | None:
    """The pause that GitHub asks for, seconds; None if it names none."""
    try:
        return max(0.0, float(answer.headers["retry-after"]))
    except (KeyError, ValueError):
        return None
