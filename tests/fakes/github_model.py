"""The data of the fake GitHub: repositories with issues, comments, labels and sub-issues, as the REST API shows them."""

from __future__ import annotations

import time
from typing import Any

LONGEST_BODY = 65536
LOGIN = "ada"


class Problem(Exception):
    """An answer that is an error: its status, GitHub's `message`, and the list `errors` of a 422."""

    def __init__(self, status: int, message: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors


def invalid(resource: str, field: str, code: str, message: str = "") -> Problem:
    error = {"resource": resource, "field": field, "code": code}
    return Problem(422, "Validation Failed", [{**error, "message": message} if message else error])


def iso(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


class Ids:
    """Ids are global and are not the numbers: an API that takes an id must not be given a number."""

    def __init__(self) -> None:
        self._last = 9_000_000

    def take(self) -> int:
        self._last += 17
        return self._last


class Repository:
    """One repository. `lag`: seconds until a new issue or comment shows up in lists; a single GET shows it at once."""

    def __init__(self, full_name: str, ids: Ids, **settings: Any) -> None:
        self.full_name = full_name
        self.ids = ids
        self.settings: dict[str, Any] = {"has_issues": True, "archived": False, "fork": False, **settings}
        self.issues: dict[int, dict[str, Any]] = {}
        self.comments: dict[int, dict[str, Any]] = {}
        self.labels: dict[str, dict[str, Any]] = {}
        self.children: dict[int, list[int]] = {}
        self.visible: dict[int, float] = {}
        self.id = ids.take()
        for name in ("bug", "enhancement"):
            self.label(name)

    @property
    def api(self) -> str:
        return f"https://api.github.com/repos/{self.full_name}"

    def describe(self) -> dict[str, Any]:
        owner, _, name = self.full_name.partition("/")
        return {
            "id": self.id,
            "name": name,
            "full_name": self.full_name,
            "owner": {"login": owner},
            "html_url": f"https://github.com/{self.full_name}",
            "default_branch": "main",
            "permissions": {"admin": True, "push": True, "pull": True},
            "open_issues_count": sum(issue["state"] == "open" for issue in self.issues.values()),
            **self.settings,
        }

    def check_writable(self) -> None:
        if self.settings["archived"]:
            raise Problem(403, "Repository was archived so is read-only.")
        if not self.settings["has_issues"]:
            raise Problem(410, "Issues has been disabled in this repository.")

    # issues

    def create_issue(self, given: dict[str, Any], now: float, lag: float) -> dict[str, Any]:
        self.check_writable()
        title = given.get("title")
        if not isinstance(title, str) or not title.strip():
            raise invalid("Issue", "title", "missing_field")
        self._check_body("Issue", given.get("body"))
        number = len(self.issues) + 1
        issue: dict[str, Any] = {
            "id": self.ids.take(),
            "node_id": f"I_{number:08d}",
            "number": number,
            "title": title,
            "body": given.get("body"),
            "state": "open",
            "state_reason": None,
            "labels": [self.label(name) for name in names_of(given.get("labels", []))],
            "user": {"login": LOGIN},
            "assignees": [{"login": name} for name in given.get("assignees", [])],
            "milestone": None,
            "comments": 0,
            "locked": False,
            "created_at": iso(now),
            "updated_at": iso(now),
            "closed_at": None,
            "url": f"{self.api}/issues/{number}",
            "html_url": f"https://github.com/{self.full_name}/issues/{number}",
            "repository_url": self.api,
            "sub_issues_summary": {"total": 0, "completed": 0, "percent_completed": 0},
        }
        self.issues[number] = issue
        self.visible[issue["id"]] = now + lag
        return issue

    def issue(self, number: int) -> dict[str, Any]:
        if not self.settings["has_issues"]:
            raise Problem(410, "Issues has been disabled in this repository.")
        found = self.issues.get(number)
        if found is None:
            raise Problem(404, "Not Found")
        if found.get("deleted"):
            raise Problem(410, "This issue was deleted")
        children = [self.issues[child] for child in self.children.get(number, [])]
        closed = sum(child["state"] == "closed" for child in children)
        total = len(children)
        found["sub_issues_summary"] = {
            "total": total,
            "completed": closed,
            "percent_completed": 100 * closed // total if total else 0,
        }
        return found

    def edit_issue(self, number: int, given: dict[str, Any], now: float) -> dict[str, Any]:
        self.check_writable()
        issue = self.issue(number)
        if "title" in given and not str(given["title"] or "").strip():
            raise invalid("Issue", "title", "missing_field")
        self._check_body("Issue", given.get("body"))
        if given.get("state", "open") not in ("open", "closed"):
            raise invalid("Issue", "state", "invalid")
        issue.update({key: given[key] for key in ("title", "body") if key in given})
        if "labels" in given:
            issue["labels"] = [self.label(name) for name in names_of(given["labels"])]
        if "assignees" in given:
            issue["assignees"] = [{"login": name} for name in given["assignees"]]
        if "state" in given and given["state"] != issue["state"]:
            is_closed = given["state"] == "closed"
            reason = given.get("state_reason") or ("completed" if is_closed else "reopened")
            issue.update(state=given["state"], state_reason=reason, closed_at=iso(now) if is_closed else None)
        issue["updated_at"] = iso(now)
        return issue

    def list_issues(self, query: dict[str, str], now: float) -> list[dict[str, Any]]:
        if not self.settings["has_issues"]:
            raise Problem(410, "Issues has been disabled in this repository.")
        state = query.get("state", "open")
        if state not in ("open", "closed", "all"):
            raise invalid("Issue", "state", "invalid")
        wanted = {name.lower() for name in query.get("labels", "").split(",") if name}
        key = "updated_at" if query.get("sort") == "updated" else "created_at"
        found = [
            self.issue(number)
            for number, issue in self.issues.items()
            if not issue.get("deleted")
            and self.visible[issue["id"]] <= now
            and state in ("all", issue["state"])
            and wanted <= {label["name"].lower() for label in issue["labels"]}
            and issue["updated_at"] >= query.get("since", "")
        ]
        is_rising = query.get("direction") == "asc"
        return sorted(found, key=lambda issue: (issue[key], issue["number"]), reverse=not is_rising)

    # comments

    def create_comment(self, number: int, given: dict[str, Any], now: float, lag: float) -> dict[str, Any]:
        self.check_writable()
        issue = self.issue(number)
        if issue["locked"]:
            raise Problem(403, "Unable to create comment because issue is locked.")
        if not given.get("body"):
            raise invalid("IssueComment", "body", "missing_field")
        self._check_body("IssueComment", given["body"])
        comment = {
            "id": self.ids.take(),
            "body": given["body"],
            "user": {"login": LOGIN},
            "created_at": iso(now),
            "updated_at": iso(now),
            "issue_url": issue["url"],
        }
        comment["url"] = f"{self.api}/issues/comments/{comment['id']}"
        comment["html_url"] = f"{issue['html_url']}#issuecomment-{comment['id']}"
        self.comments[comment["id"]] = comment
        self.visible[comment["id"]] = now + lag
        issue["comments"] += 1
        issue["updated_at"] = iso(now)
        return comment

    def list_comments(self, number: int | None, query: dict[str, str], now: float) -> list[dict[str, Any]]:
        url = self.issue(number)["url"] if number else ""
        return [
            comment
            for comment in self.comments.values()
            if (not url or comment["issue_url"] == url)
            and self.visible[comment["id"]] <= now
            and comment["updated_at"] >= query.get("since", "")
        ]

    def comment(self, number: int) -> dict[str, Any]:
        if number not in self.comments:
            raise Problem(404, "Not Found")
        return self.comments[number]

    # labels

    def label(self, name: str, given: dict[str, Any] | None = None) -> dict[str, Any]:
        """The label of that name, made if it is missing: so does GitHub when an issue is given an unknown one."""
        key = name.lower()
        if key not in self.labels:
            settings = given or {}
            self.labels[key] = {
                "id": self.ids.take(),
                "name": name,
                "color": settings.get("color", "ededed"),
                "description": settings.get("description"),
                "default": False,
                "url": f"{self.api}/labels/{name}",
            }
        return self.labels[key]

    def create_label(self, given: dict[str, Any]) -> dict[str, Any]:
        name = given.get("name")
        if not name:
            raise invalid("Label", "name", "missing_field")
        if len(str(given.get("description") or "")) > 100:
            raise invalid("Label", "description", "invalid")
        if name.lower() in self.labels:
            raise invalid("Label", "name", "already_exists")
        return self.label(name, given)

    def find_label(self, name: str) -> dict[str, Any]:
        if name.lower() not in self.labels:
            raise Problem(404, "Not Found")
        return self.labels[name.lower()]

    # sub-issues

    def add_child(self, number: int, given: dict[str, Any]) -> dict[str, Any]:
        parent = self.issue(number)
        wanted = given.get("sub_issue_id")
        if not isinstance(wanted, int) or isinstance(wanted, bool):
            raise Problem(422, "Invalid request.\n\nFor 'properties/sub_issue_id', nil is not an integer.")
        child = next((issue for issue in self.issues.values() if issue["id"] == wanted), None)
        if child is None:
            raise Problem(404, "The provided sub-issue does not exist")
        if child is parent:
            raise Problem(422, "An issue cannot be its own sub-issue")
        parents = [up for up, below in self.children.items() if child["number"] in below]
        if parents and not given.get("replace_parent"):
            words = (
                "Issue may not contain duplicate sub-issues"
                if number in parents
                else "Sub issue may only have one parent"
            )
            raise Problem(422, f"An error occurred while adding the sub-issue to the parent issue. {words}")
        for up in parents:
            self.children[up].remove(child["number"])
        self.children.setdefault(number, []).append(child["number"])
        return parent

    def remove_child(self, number: int, given: dict[str, Any]) -> dict[str, Any]:
        parent = self.issue(number)
        for child in self.children.get(number, []):
            if self.issues[child]["id"] == given.get("sub_issue_id"):
                self.children[number].remove(child)
                return parent
        raise Problem(404, "Not Found")

    def children_of(self, number: int) -> list[dict[str, Any]]:
        self.issue(number)
        return [self.issue(child) for child in self.children.get(number, [])]

    def parent_of(self, number: int) -> dict[str, Any]:
        for parent, below in self.children.items():
            if number in below:
                return self.issue(parent)
        raise Problem(404, "Not Found")

    def _check_body(self, resource: str, body: object) -> None:
        if isinstance(body, str) and len(body) > LONGEST_BODY:
            words = f"body is too long (maximum is {LONGEST_BODY} characters)"
            raise invalid(resource, "body", "custom", words)


def names_of(labels: list[Any]) -> list[str]:
    return list(dict.fromkeys(one["name"] if isinstance(one, dict) else str(one) for one in labels))
