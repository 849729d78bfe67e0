"""GitHub as the tracker, over REST through the user's `gh` and the budget that all agents share (ops/github/budget.py).

What GitHub says no to becomes the error that it means: 404 and 410 NotFound (66) for an issue, Unavailable (69) for a
repository or one whose issues are switched off, 403 NotYours (77), a limit Busy (75). A request that was sent and not
clearly answered is `Unanswered`, and so is one whose answer is not GitHub's (a proxy's page). Lists are read to their
end; pull requests, which GitHub lists as issues, are left out. An issue that was transferred is not there any more:
GitHub answers for it with the one elsewhere, whose number means another issue here.

Sub-issues need no extension; where GitHub refuses them (an older GitHub Enterprise, more than a parent may have), the
caller falls back to a task list.
"""

from __future__ import annotations

import os

from ccpm.core import issue_text, retries
from ccpm.core.remote import PUBLIC, Repository
from ccpm.errors import CcpmError, NotFound, NotYours, Unavailable, UsageError
from ccpm.external import gh
from ccpm.files import clock
from ccpm.ops.actor import Actor
from ccpm.ops.github import budget
from ccpm.ops.trackers import CLOSED, OPEN, Change, Comment, Issue, Tracker, Unanswered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LOOKUPS = (0.0, 10.0, 30.0, 180.0)
"""Seconds after an unanswered request at which to look for what it made. Listing is nearly consistent on GitHub; lags
of minutes were reported. $CCPM_SYNC_LOOKUPS sets others (`0,10,30,180`)."""

PAGE = 100
"""Items a page: the most that GitHub gives (docs.github.com, "Using pagination in the REST API")."""

ANEW = "for a new one: ccpm-fm-cas update FILE --unset github, then ccpm-sync epic NAME"

COLOURS = {"epic": "5319e7", "task": "0e8a16", "bug": "d73a4a", "feature": "a2eeef"}
_OTHER_COLOUR = "ededed"


class GitHubTracker(Tracker):
    name = "github"
    longest = issue_text.LONGEST

    def __init__(
        self, actor: Actor, repository: Repository, patience: float = budget.DEFAULT_TIMEOUT
    ) -> None:
        """`patience`: seconds that one request may wait for the shared budget."""
        self.actor = actor
        self._patience = patience
        self._host = None if repository.host == PUBLIC else repository.host
        self.repository = repository
        self.place = repository.label
        self._path = f"repos/{repository.slug}"
        self._names = {repository.slug.lower()}
        self.lookups = _lookups()

    def create(self, title: str, body: str, labels: tuple[str, ...]) -> Issue:
        return _issue(self._ask("POST", "issues", {"title": title, "body": body, "labels": list(labels)}))

    def get(self, number: int) -> Issue:
        data = self._ask("GET", f"issues/{number}")
        if "pull_request" in data:
            raise NotFound(
                f"#{number} in {self.place} is a pull request, not an issue",
                "ccpm-sync status shows the issues of the plan",
                issue=number,
            )
        return self._own(number, data)

    def update(self, number: int, change: Change) -> Issue:
        fields: dict[str, Any] = {"title": change.title, "body": change.body, "state": change.state}
        fields = {name: value for name, value in fields.items() if value is not None}
        if change.labels is not None:
            fields["labels"] = list(change.labels)
        return self._own(number, self._ask("PATCH", f"issues/{number}", fields))

    def _own(self, number: int, data: dict[str, Any]) -> Issue:
        """The issue of `data`, which was asked for as `number`; NotFound (66) for one that is in another repository
        now. A repository that was renamed is still the same."""
        issue, slug = _issue(data), str(data.get("repository_url") or "").rpartition("/repos/")[2].lower()
        if slug and slug not in self._names and issue.number == number:
            self._names.add(str(self._ask("GET", "").get("full_name")).lower())
        if issue.number != number or (slug and slug not in self._names):
            raise NotFound(
                f"issue #{number} of {self.place} was transferred to {issue.url}",
                f"go on there; {ANEW}",
                issue=number,
                url=issue.url,
            )
        return issue

    def issues(self, labels: tuple[str, ...] = (), since: float = 0.0) -> list[Issue]:
        fields: dict[str, Any] = {"state": "all", "sort": "created", "direction": "asc"}
        if labels:
            fields["labels"] = ",".join(labels)
        if since > 0:
            fields["since"] = clock.to_iso(since)
        return [_issue(data) for data in self._pages("issues", fields) if "pull_request" not in data]

    def comment(self, number: int, body: str) -> Comment:
        return _comment(self._ask("POST", f"issues/{number}/comments", {"body": body}))

    def comments(self, number: int) -> list[Comment]:
        return [_comment(data) for data in self._pages(f"issues/{number}/comments", {})]

    def make_labels(self, names: tuple[str, ...]) -> None:
        if not names:
            return
        there = {str(label["name"]).lower() for label in self._pages("labels", {})}
        for name in names:
            if name.lower() in there:
                continue
            try:
                self._ask("POST", "labels", {"name": name, "color": COLOURS.get(name, _OTHER_COLOUR)})
            except Unanswered:
                pass  # an issue that is made with a missing label makes it as well
            except gh.Refused as refusal:
                if refusal.status != 422:  # somebody else made it meanwhile
                    raise

    def sub_issues(self, number: int) -> list[int] | None:
        try:
            return [int(data["number"]) for data in self._pages(f"issues/{number}/sub_issues", {})]
        except NotFound:
            self.get(number)  # the issue itself may be what is missing
            return None

    def add_sub_issue(self, parent: int, child: Issue) -> bool:
        try:
            self._ask("POST", f"issues/{parent}/sub_issues", {"sub_issue_id": child.id})
        except (Unanswered, gh.Refused, NotFound):
            children = self.sub_issues(parent)
            return children is not None and child.number in children
        return True

    def url(self, number: int) -> str:
        return self.repository.issue_url(number)

    def number_of(self, link: str) -> int:
        from ccpm.core import remote

        found = remote.of_issue(link)
        return found[1] if found and found[0].is_same(self.repository) else 0

    def estimate(self, creations: int, writes: int, reads: int) -> float:
        return budget.estimate(self.actor, creations, writes, reads, self._host)

    def _pages(self, path: str, fields: dict[str, Any]) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        number = 1
        while True:
            page = self._ask("GET", path, {**fields, "per_page": PAGE, "page": number}, list)
            items += page
            if len(page) < PAGE:
                return items
            number += 1

    def _ask(self, method: str, path: str, fields: dict[str, Any] | None = None, kind: type = dict) -> Any:
        """One request below the repository; the JSON of its answer, an object or a list (`kind`) of objects with an
        id."""
        try:
            answer = budget.call(
                self.actor,
                method,
                f"{self._path}/{path}".rstrip("/"),
                fields,
                hostname=self._host,
                timeout=self._patience,
            )
        except gh.Unclear as unclear:
            if method == "GET":
                raise
            raise Unanswered(unclear.message, unclear.hint, **unclear.details) from unclear
        except gh.Refused as refusal:
            raise self._meaning(refusal, path) from refusal
        data = answer.json()
        found = data if isinstance(data, list) else [data]
        if isinstance(data, kind) and all(isinstance(one, dict) and "id" in one for one in found):
            return data
        raise Unanswered(
            f"the answer to {method} {self._path}/{path} is not GitHub's",
            "a proxy or a login page may stand in between: gh api user; then run it again",
        )

    def _meaning(self, refusal: gh.Refused, path: str) -> CcpmError:
        place, words = self.place, refusal.reason.lower()
        if "issues has been disabled" in words or "issues are disabled" in words:
            return Unavailable(
                f"{place} has no issues: they are switched off",
                f"switch them on in the settings of https://{self.repository.host}/{self.repository.slug}, "
                "or use --tracker local",
            )
        if refusal.status in (404, 410) and path.startswith("issues/"):
            number = path.split("/")[1]
            return NotFound(
                f"there is no issue #{number} in {place} (any more)",
                f"look at https://{self.repository.host}/{self.repository.slug}/issues/{number}; {ANEW}",
                issue=int(number),
            )
        if refusal.status == 404:
            return Unavailable(
                f"{place} is not there, or this login may not see it",
                "check the name (git remote -v), and the login (gh auth status)",
            )
        if refusal.status == 403:
            login = "check with `gh auth status` that the login may write here"
            hint = "unlock its conversation on GitHub, then run it again" if "locked" in words else login
            return NotYours(f"{place}: {refusal.reason} (HTTP 403)", hint)
        if refusal.status == 422 and "too long" in words:
            return UsageError(f"{place}: {refusal.reason}", "shorten the text")
        return refusal


def _issue(data: dict[str, Any]) -> Issue:
    return Issue(
        int(data["number"]),
        str(data.get("title") or ""),
        str(data.get("body") or ""),
        CLOSED if data.get("state") == CLOSED else OPEN,
        tuple(str(label["name"] if isinstance(label, dict) else label) for label in data.get("labels") or []),
        int(data["id"]),
        str(data.get("html_url") or ""),
        str(data.get("created_at") or ""),
        str(data.get("updated_at") or ""),
        int(data.get("comments") or 0),
        tuple(str(user["login"]) for user in data.get("assignees") or []),
        bool(data.get("locked")),
    )


def _comment(data: dict[str, Any]) -> Comment:
    author = (data.get("user") or {}).get("login", "")
    return Comment(
        int(data["id"]), str(data.get("body") or ""), str(data.get("created_at") or ""), str(author)
    )


def _lookups() -> tuple[float, ...]:
    text = os.environ.get("CCPM_SYNC_LOOKUPS", "")
    if not text:
        return LOOKUPS
    try:
        return retries.parse(text)
    except ValueError as error:
        raise UsageError(f"CCPM_SYNC_LOOKUPS: {error}", "use seconds, such as 0,10,30,180") from error
