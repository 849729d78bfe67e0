"""The tracker: where a plan's issues are. One narrow interface, two implementations: GitHub, and files of the
project.

Contract
    tracker = choose(actor, wanted)     see ops/trackers/choice.py
    tracker.create(title, body, labels) → Issue      … and the other methods of `Tracker`

Every method answers with what the tracker says afterwards. Numbers count up and are never used again. `create` and
`comment` make something new each time they are called; all others may be repeated without harm. That nothing is made
twice is the business of ops/sync/once.py, which needs only `issues` and `comments` for it.

Errors: NotFound (66) for an issue that is not there (any more), Busy (75) when it may work later, Unavailable (69)
when a tool, a login or the network is missing, NotYours (77) and UsageError (2) for what is refused: in all of these
nothing was made. Unanswered is for a request that may have taken effect although no answer came, and an IOFailure (74)
may come from behind one.
"""

from __future__ import annotations

from ccpm.errors import Busy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.ops.actor import Actor

OPEN = "open"
CLOSED = "closed"


class Unanswered(Busy):
    """A request was sent and no answer came: it may have taken effect or not. `Busy` for whoever does not ask
    again."""


class Issue:
    """An issue as its tracker has it. `id`: what the tracker itself calls it (GitHub's ids are no numbers of issues).
    `state`: OPEN or CLOSED. Times are ISO 8601 in UTC. `comments`: how many there are."""

    __slots__ = (
        "assignees", "body", "comments", "created", "id", "is_locked", "labels", "number", "state", "title", "updated",
        "url",
    )  # fmt: skip

    def __init__(
        self,
        number: int,
        title: str,
        body: str = "",
        state: str = OPEN,
        labels: tuple[str, ...] = (),
        id: int = 0,
        url: str = "",
        created: str = "",
        updated: str = "",
        comments: int = 0,
        assignees: tuple[str, ...] = (),
        is_locked: bool = False,
    ) -> None:
        self.number = number
        self.title = title
        self.body = body
        self.state = state
        self.labels = labels
        self.id = id or number
        self.url = url
        self.created = created
        self.updated = updated
        self.comments = comments
        self.assignees = assignees
        self.is_locked = is_locked


class Comment:
    __slots__ = ("author", "body", "created", "id")

    def __init__(self, id: int, body: str, created: str = "", author: str = "") -> None:
        self.id = id
        self.body = body
        self.created = created
        self.author = author


class Change:
    """What to change of an issue; None leaves a field as it is. `labels` are all it shall have."""

    __slots__ = ("body", "labels", "state", "title")

    def __init__(
        self,
        title: str | None = None,
        body: str | None = None,
        state: str | None = None,
        labels: tuple[str, ...] | None = None,
    ) -> None:
        self.title = title
        self.body = body
        self.state = state
        self.labels = labels

    @property
    def is_empty(self) -> bool:
        return self.title is None and self.body is None and self.state is None and self.labels is None


class Tracker:
    """The interface. `name`: "github" or "local"; `place`: the repository, or where the files are, for messages.

    `actor` is who asks; what the local tracker writes carries its fences. `lookups`: seconds after a request without
    an answer at which to look whether it took effect; a tracker whose lists show at once what was made has but one.
    """

    actor: Actor
    name = ""
    place = ""
    lookups: tuple[float, ...] = (0.0,)
    longest = 1 << 24

    def create(self, title: str, body: str, labels: tuple[str, ...]) -> Issue:
        raise NotImplementedError

    def get(self, number: int) -> Issue:
        raise NotImplementedError

    def update(self, number: int, change: Change) -> Issue:
        raise NotImplementedError

    def issues(self, labels: tuple[str, ...] = (), since: float = 0.0) -> list[Issue]:
        """Every issue (no pull requests) with all of `labels`, changed at or after `since` (seconds of the epoch)."""
        raise NotImplementedError

    def comment(self, number: int, body: str) -> Comment:
        raise NotImplementedError

    def comments(self, number: int) -> list[Comment]:
        """All comments of an issue, oldest first."""
        raise NotImplementedError

    def make_labels(self, names: tuple[str, ...]) -> None:
        """Make those of `names` that there are not."""
        raise NotImplementedError

    def sub_issues(self, number: int) -> list[int] | None:
        """The numbers of its sub-issues; None if this tracker has no such thing."""
        raise NotImplementedError

    def add_sub_issue(self, parent: int, child: Issue) -> bool:
        """Whether `child` is a sub-issue of `parent` now; False where the tracker cannot do that."""
        raise NotImplementedError

    def url(self, number: int) -> str:
        """What `github:` of the frontmatter says for an issue."""
        raise NotImplementedError

    def number_of(self, link: str) -> int:
        """The number of the issue that `link` (a `github:` of the frontmatter) names in this tracker, 0 if none."""
        raise NotImplementedError

    def estimate(self, creations: int, writes: int, reads: int) -> float:
        """Seconds that so many requests take at least: `creations` make something, `writes` change something."""
        return 0.0
