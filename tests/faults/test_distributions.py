"""A distribution that is stopped and goes on, has two senders, or bad addresses on its list."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP, Envelope, Session
from tests.conftest import Eventually
from tests.faults.conftest import Installation

from afterword.workflows.saving.workflows import turn_off, turn_on

MANY = 1000
FEWER = 300
GOOD = 20
PATIENT = {"AFTERWORD_WORKER_HEARTBEAT_TIMEOUT": "20"}
"""On a busy machine a worker may be silent for some seconds, and is not to be taken for dead here."""

BAD = {
    "": "contact-has-no-email",
    "   ": "contact-has-no-email",
    "nobody": "contact-email-invalid",
    "@one.example": "contact-email-invalid",
    "nobody@": "contact-email-invalid",
    "nobody@one.example, other@one.example": "contact-email-invalid",
    "Nobody <nobody@one.example>": "contact-email-invalid",
    "nobody@one.example\r\nBcc: other@one.example": "contact-email-invalid",
    "no body@one.example": "contact-email-invalid",
    "n" * 250 + "@one.example": "contact-email-invalid",
    "用户@one.example": "contact-email-invalid",
}
REFUSED = "mailbox-unavailable@one.example"


class Switched:
    """A workflow that somebody turns off and on."""

    def __init__(self, installation: Installation, workflow_id: str) -> None:
        self.installation = installation
        self.workflow_id = workflow_id

    async def off(self) -> None:
        async with self.installation.database.transaction() as connection:
            await turn_off(connection, self.workflow_id)

    async def on(self) -> None:
        async with self.installation.database.transaction() as connection:
            await turn_on(connection, self.workflow_id, check=None)

    async def held(self) -> int:
        """How many runs wait for it to be turned on."""
        return int(
            await self.installation.database.pool.fetchval(
                "SELECT count(*) FROM run WHERE waiting_for = 'workflow/' || $1", self.workflow_id
            )
        )

    async def nothing_moves(self) -> bool:
        """Whether every run that is not at its end is held."""
        statuses = await self.installation.statuses()
        return await self.held() + statuses["succeeded"] == MANY


async def all_started(installation: Installation, count: int) -> bool:
    """Whether every event has its run: what comes while the workflow is off starts none."""
    return (await installation.statuses()).total() == count


async def all_sent(installation: Installation, count: int) -> bool:
    return await installation.statuses() == {"succeeded": count}


@pytest.mark.timeout(600)
async def test_a_distribution_paused_and_resumed_at_random_moments_goes_on_where_it_was(
    installation: Installation, eventually: Eventually
) -> None:
    workflow = Switched(installation, await installation.survey_workflow(delay_seconds=2))
    people = installation.people(MANY)
    chance = random.Random(1)
    with installation.worker(**PATIENT), installation.worker(**PATIENT):
        await installation.ask(people)
        await eventually(lambda: all_started(installation, MANY), within=60)
        for _ in range(6):
            await asyncio.sleep(chance.uniform(0, 1.5))
            await workflow.off()
            await asyncio.sleep(chance.uniform(0, 0.5))
            await workflow.on()
        await eventually(installation.mails, within=200)
        await workflow.off()
        await eventually(workflow.nothing_moves, within=200)
        held = await workflow.held()
        assert 0 < held < MANY
        assert len(installation.mails()) == MANY - held
        await workflow.on()
        await eventually(lambda: all_sent(installation, MANY), within=300)
    sent = installation.message_ids()
    assert sorted(address for address, _ in sent) == sorted(people)
    assert set(sent.values()) == {1}


@pytest.mark.timeout(600)
async def test_two_workers_on_one_distribution_send_each_mail_once(
    installation: Installation, eventually: Eventually
) -> None:
    await installation.survey_workflow()
    people = installation.people(FEWER)
    with installation.worker(**PATIENT), installation.worker(**PATIENT):
        await installation.ask(people)
        await eventually(lambda: all_sent(installation, FEWER), within=300)
    sent = installation.message_ids()
    assert sorted(address for address, _ in sent) == sorted(people)
    assert set(sent.values()) == {1}
    ids = {mail["headers"]["Message-ID"][0] for mail in installation.mails()}
    assert len(ids) == FEWER


class Choosy:
    """A mail server that knows one mailbox too few, and remembers whom it took mail for."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name for it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address == REFUSED:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.taken += envelope.rcpt_tos
        return "250 OK"


@pytest_asyncio.fixture
async def choosy() -> AsyncIterator[tuple[Choosy, int]]:
    """It and its port."""
    handler = Choosy()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(handler), "127.0.0.1", 0)
    async with server:
        yield handler, server.sockets[0].getsockname()[1]


async def test_bad_addresses_do_not_stop_the_rest_and_each_has_its_reason(
    installation: Installation, eventually: Eventually, choosy: tuple[Choosy, int]
) -> None:
    server, port = choosy
    await installation.survey_workflow()
    good, bad = installation.people(GOOD), [*BAD, REFUSED]
    mixed = [*good, *bad]
    random.Random(1).shuffle(mixed)
    await installation.ask(mixed)

    async def all_ended() -> bool:
        statuses = await installation.statuses()
        return statuses.total() == len(mixed) and not statuses.keys() & {"running", "waiting"}

    async with installation.worker_here(smtp_port=port):
        await eventually(all_ended)
    assert sorted(server.taken) == sorted(good)
    expected = Counter({"succeeded": GOOD, "failed mail-recipient-refused": 1})
    expected.update(f"skipped {code}" for code in BAD.values())
    assert await installation.statuses() == expected
