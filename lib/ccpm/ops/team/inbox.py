"""What an agent has to know now: its messages, and which files that it asked for have become free.

Contract: nothing is taken out before it was delivered; `messages.acknowledge` does that.
"""

from __future__ import annotations

from ccpm.ops.team import messages, ownership, request_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ccpm.ops.team.messages import Message
    from ccpm.ops.team.request_record import Asked


def pending(top: str, agent: str) -> list[Message]:
    """What `agent` has to know now, oldest first: its messages, and requests of its own whose file has become free."""
    found = messages.unread(top, agent)
    mine = [one for one in request_record.open_requests(top) if one["from"] == agent]
    for one in mine:
        if ownership.is_free(top, str(one["file"]), agent):
            request_record.close(top, [int(one["id"])])
            text = f"{one['file']} is free now; take it with: ccpm-agent request {one['file']}"
            messages.post(top, agent, messages.FREE, "", text, file=one["file"])
    return messages.unread(top, agent) if mine else found


def asked_of(top: str, agent: str) -> list[Asked]:
    """The open requests for files that are now those of `agent`."""
    found = []
    for one in request_record.open_requests(top):
        claim = ownership.owner_of(top, str(one["file"]), str(one["from"]))
        if claim is not None and claim.agent == agent:
            found.append(one)
    return found


def forget(top: str, agent: str) -> None:
    """Withdraw all requests of an agent that has left, and remove its inbox."""
    request_record.close(
        top, [int(one["id"]) for one in request_record.open_requests(top) if one["from"] == agent]
    )
    messages.forget(top, agent)
