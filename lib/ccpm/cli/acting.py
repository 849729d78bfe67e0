"""On whose behalf a helper acts: the agent, and the fences that it carries."""

from __future__ import annotations

from ccpm.ops import identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from ccpm.ops.actor import Actor


def actor_of(args: Namespace, say: Callable[[str], None]) -> Actor:
    """The agent of `--agent` or of the environment, with the fences of `--fence` and $CCPM_FENCE."""
    from ccpm.ops.actor import Actor

    return Actor(identity.agent_id(args.agent), identity.carried_fences(getattr(args, "fence", None)), say)
