"""What a request spends, told from its method and path, or from the arguments of a `gh` command.

Contract: whatever is not known to be less counts as a content creation, the dearest kind. Sources: docs.github.com,
"Rate limits for the REST API" (a POST that makes content is a creation), and the manual of gh, cli.github.com/manual.
"""

from __future__ import annotations

from ccpm.core.ledger import CORE, CREATE, GRAPHQL, READ, SEARCH, WRITE, Cost

_LOCAL = frozenset(
    ["alias", "auth", "browse", "completion", "config", "extension", "help", "reference", "version"]
)
"""Commands of gh that send nothing, or nothing that counts."""

_READS = frozenset(
    ["view", "list", "status", "diff", "checks", "checkout", "clone", "download", "watch", "search", "verify"]
)
_WRITES = frozenset(
    [
        "close", "reopen", "edit", "delete", "lock", "unlock", "pin", "unpin", "transfer", "merge", "ready", "rename",
        "archive", "unarchive", "cancel", "rerun", "enable", "disable", "remove", "set", "sync", "stop", "update",
    ]
)  # fmt: skip
"""Verbs that change something and create nothing."""

_WITH_VALUE = frozenset(
    [
        "-X", "--method", "-H", "--header", "-f", "--raw-field", "-F", "--field", "--input", "-q", "--jq", "-t",
        "--template", "--cache", "--hostname", "-p", "--preview", "-R", "--repo",
    ]
)  # fmt: skip
_TYPED = ("-F", "--field")
"""Fields whose value may be `@FILE`."""

_FIELDS = ("-f", "--raw-field", *_TYPED, "--input")
_STDIN = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
"""What gh reads standard input by."""


def of_rest(method: str, path: str, body: str = "") -> Cost:
    """The cost of one request to the API; for GraphQL the `body` tells a query from a mutation."""
    bare = path.partition("?")[0].strip("/")
    if bare == "graphql":
        return Cost(CREATE if "mutation" in body else READ, GRAPHQL)
    pool = SEARCH if bare.startswith("search/") else CORE
    if method in ("GET", "HEAD"):
        return Cost(READ, pool)
    return Cost(CREATE if method == "POST" else WRITE, pool)


def is_free(path: str) -> bool:
    """Whether GitHub does not count it ("Accessing this endpoint does not count against your REST API rate limit")."""
    return path.partition("?")[0].strip("/") == "rate_limit"


class ApiCall:
    """The arguments of a `gh api` command, as far as they matter here. `is_plain`: nothing but a method, headers and a
    path, so that the body of the answer is what gh prints. `reads_stdin`: its body, or a field, is standard input."""

    __slots__ = ("body", "headers", "hostname", "is_plain", "method", "options", "path", "reads_stdin")

    def __init__(self, argv: list[str]) -> None:
        self.options: list[str] = []
        self.headers: list[str] = []
        self.hostname = ""
        self.path = ""
        self.body = ""
        self.reads_stdin = False
        method, has_fields, self.is_plain = "", False, True
        for name, value in _options(argv):
            if not name:
                self.path = self.path or value
                continue
            self.options.append(name)
            if name in ("-X", "--method"):
                method = value.upper()
            elif name in ("-H", "--header"):
                self.headers.append(value)
            elif name == "--hostname":
                self.hostname = value
            else:
                self.is_plain = False
                has_fields = has_fields or name in _FIELDS
                self.body += f" {value}" if name in _FIELDS else ""
                source = value if name == "--input" else value.partition("=@")[2] if name in _TYPED else ""
                self.reads_stdin = self.reads_stdin or source in _STDIN
        self.method = method or ("POST" if has_fields else "GET")


def of_arguments(argv: list[str]) -> Cost | None:
    """The cost of the command `gh ARGV`; None if it sends nothing that counts."""
    words = [value for name, value in _options(argv) if not name]
    if not words or words[0] in _LOCAL or "--help" in argv or "-h" in argv or "--version" in argv:
        return None
    if words[0] == "api":
        call = ApiCall(argv[argv.index("api") + 1 :])
        # a body from a file is not looked into: it may be a mutation
        body = "mutation" if "--input" in call.options and call.path.strip("/") == "graphql" else call.body
        return None if is_free(call.path) else of_rest(call.method, call.path, body)
    if words[0] == "search":
        return Cost(READ, SEARCH)
    verb = words[1] if len(words) > 1 else "list"
    if verb in _READS or words[0] == "status":
        return Cost(READ, GRAPHQL)
    return Cost(WRITE if verb in _WRITES else CREATE, GRAPHQL, 2)


def hostname_of(argv: list[str]) -> str:
    """The host that a command names, with `--hostname` or as in `-R HOST/OWNER/NAME`; "" if it names none."""
    for name, value in _options(argv):
        if name == "--hostname":
            return value
        if name in ("-R", "--repo"):
            place = value.removeprefix("https://").split("/")
            return place[0] if len(place) > 2 else ""
    return ""


def _options(argv: list[str]) -> list[tuple[str, str]]:
    """(option, value) pairs in order; a word that is no option is ("", word). `--x=y` and `-XPOST` are taken apart."""
    found: list[tuple[str, str]] = []
    waiting = iter(argv)
    for text in waiting:
        if text == "--":
            found += [("", word) for word in waiting]
        elif text.startswith("--"):
            name, equals, value = text.partition("=")
            found.append((name, value if equals or name not in _WITH_VALUE else next(waiting, "")))
        elif text.startswith("-") and len(text) > 1:
            name, value = text[:2], text[2:].removeprefix("=")
            found.append((name, value or (next(waiting, "") if name in _WITH_VALUE else "")))
        else:
            found.append(("", text))
    return found
