"""What a workflow's revision says of brakes, and on whose behalf something is written."""

from typing import Annotated

import msgspec
from msgspec import Meta

MOST_ALLOWED = 200


class Brakes(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A workflow's own brakes, in the order of a form."""

    in_test: Annotated[
        bool,
        Meta(
            title="In test",
            description="Whether only the addresses on the allow-list are written to; all others are skipped.",
        ),
    ] = False
    allowed: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=320)], ...],
        Meta(
            title="Allow-list",
            description="Who is written to while the workflow is in test: addresses, or whole domains as @domain.",
            examples=[["ada@yourcompany.example", "@yourcompany.example"]],
            max_length=MOST_ALLOWED,
        ),
    ] = ()
    invitations_per_hour: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None,
        Meta(
            title="Invitations an hour",
            description="More than so many in an hour are held until somebody lets them go; without it, the "
            "installation's setting.",
            examples=[500],
        ),
    ] = None


NO_BRAKES = Brakes()


class Writer(msgspec.Struct, frozen=True, kw_only=True):
    """On whose behalf a customer is written to: a task of a run of a workflow.

    ``brakes`` are those of the revision that the run began with. ``workflow_id`` is ``None`` for a definition that is
    not saved.
    """

    workflow_id: str | None
    run_key: str
    task_id: str
    brakes: Brakes = NO_BRAKES
