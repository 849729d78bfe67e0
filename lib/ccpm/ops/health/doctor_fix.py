"""What the doctor mends besides the plan: registries of an older form.

Contract: each registry is converted under its guard, as every change of it (ops/team/registries.py), only if it still
has the older form then; keys that this version does not know stay.
"""

from __future__ import annotations

from ccpm.errors import CcpmError
from ccpm.files import agent_records, json_record
from ccpm.ops.actor import Actor
from ccpm.ops.health import doctor_project
from ccpm.ops.team import registries


def convert_registries(actor: Actor, dry_run: bool = False) -> list[str]:
    """The epics whose registry is, or with `dry_run` would be, converted."""
    converted = []
    for epic in agent_records.epics_with_registry(actor.top):
        try:
            if not doctor_project.is_old(json_record.read(agent_records.path_of(actor.top, epic))):
                continue
            if not dry_run:
                with registries.Changing(actor.store, epic):
                    pass  # what is read in the older form is written in today's
            converted.append(epic)
        except CcpmError:
            continue  # it is no JSON: the check says so
    return converted
