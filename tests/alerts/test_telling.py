"""Which alerts are told, by mail and by web service, how often each is tried, and what is held back."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.conftest import StandIn
from tests.fixtures.sandbox import Sandbox

from afterword.alerts.delivering import SCHEDULE, AlertKeeper
from afterword.alerts.recording import Alert, RecordedAlert, list_alerts, record_alert
from afterword.distributions.sending import Mailer
from afterword.outcomes import ConfigurationError, Reason, Retry
from afterword.settings import Settings
from afterword.store.database import Database

SECRET = base64.b64encode(b"a secret of at least 24 bytes").decode()
FAILED = Alert("run-failed", "problem/1", "Runs of the Workflow 'Ask' fail")

Keeper = Callable[..., AlertKeeper]


class Killed(BaseException):
    """The worker was killed."""


class Post:
    """A mail server that takes mails, or does what a test says instead."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refusal: BaseException | None = None

    async def send(self, message: EmailMessage, /) -> None:
        self.mails.append(message)
        if self.refusal is not None:
            raise self.refusal


@pytest.fixture
def post() -> Post:
    return Post()


@pytest_asyncio.fixture
async def make_keeper(database: Database, post: Post, tmp_path: Path) -> AsyncIterator[Keeper]:
    keepers = []

    def make(**options: Any) -> AlertKeeper:
        settings = Settings.load({}, data_dir=tmp_path, mail_from="survey@afterword.example", **options)
        keepers.append(AlertKeeper(database, settings, post))
        return keepers[-1]

    yield make
    for keeper in keepers:
        await keeper.close()


async def record(database: Database, *alerts: Alert) -> None:
    async with database.pool.acquire() as connection:
        for alert in alerts:
            await record_alert(connection, alert)


async def alerts_of(database: Database) -> list[RecordedAlert]:
    async with database.pool.acquire() as connection:
        return await list_alerts(connection)


async def a_day_passes(database: Database) -> None:
    await database.pool.execute(
        "UPDATE alert SET decided_at = decided_at - interval '1 day', due_at = due_at - interval '1 day'"
    )


async def test_an_alert_reaches_a_mailbox(database: Database, sandbox: Sandbox, tmp_path: Path) -> None:
    settings = Settings.load(
        {},
        data_dir=tmp_path,
        smtp_port=sandbox.smtp_port,
        smtp_security="none",
        mail_from="survey@afterword.example",
        public_url="https://afterword.example",
        alert_email="ops@one.example, oncall@one.example",
    )
    keeper = AlertKeeper(database, settings, Mailer(settings))
    await record(database, FAILED, FAILED)
    await keeper.keep()
    (mail,) = sandbox.mails("ops@one.example")
    assert mail["subject"] == "Afterword: Runs of the Workflow 'Ask' fail"
    assert "2 times, first" in mail["text"]
    assert "https://afterword.example" in mail["text"]
    assert len(sandbox.mails("oncall@one.example")) == 1
    assert [alert.channels for alert in await alerts_of(database)] == [{"mail": "sent"}]
    await keeper.keep()
    assert len(sandbox.mails("ops@one.example")) == 1


async def test_an_alert_is_posted_signed_as_standard_webhooks_has_it(
    database: Database, make_keeper: Keeper, stand_in: StandIn
) -> None:
    stand_in.answer(200)
    keeper = make_keeper(alert_url=f"{stand_in.url}/hook?k=1", alert_secret=f"whsec_{SECRET}")
    await record(database, FAILED)
    await keeper.keep()
    ((request, body),) = stand_in.requests
    told = json.loads(body)
    assert request.path_qs == "/hook?k=1"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Idempotency-Key"] == request.headers["webhook-id"] == told["id"]
    signed = f"{told['id']}.{request.headers['webhook-timestamp']}.".encode() + body
    signature = base64.b64encode(hmac.digest(base64.b64decode(SECRET), signed, hashlib.sha256)).decode()
    assert request.headers["webhook-signature"] == f"v1,{signature}"
    assert (told["type"], told["text"]) == (
        "afterword.run-failed",
        "Afterword: Runs of the Workflow 'Ask' fail",
    )
    assert told["data"] | {"firstAt": "", "lastAt": ""} == {
        "kind": "run-failed",
        "subject": "problem/1",
        "words": "Runs of the Workflow 'Ask' fail",
        "count": 1,
        "firstAt": "",
        "lastAt": "",
        "installation": "http://127.0.0.1:8700",
    }


async def test_without_a_secret_it_is_not_signed(
    database: Database, make_keeper: Keeper, stand_in: StandIn
) -> None:
    stand_in.answer(204)
    await record(database, FAILED)
    await make_keeper(alert_url=stand_in.url).keep()
    assert "webhook-signature" not in stand_in.requests[0][0].headers


async def test_a_channel_that_fails_is_tried_a_few_times_with_the_same_and_does_not_hold_up_the_other(
    database: Database, make_keeper: Keeper, stand_in: StandIn, post: Post
) -> None:
    stand_in.answer(500)
    keeper = make_keeper(alert_url=stand_in.url, alert_email="ops@one.example")
    await record(database, FAILED)
    for _ in range(len(SCHEDULE) + 3):
        await keeper.keep()
        await database.pool.execute("UPDATE alert_delivery SET due_at = now() WHERE status = 'due'")
    assert len(stand_in.requests) == len(SCHEDULE) + 1 == 4
    assert len({(request.headers["Idempotency-Key"], body) for request, body in stand_in.requests}) == 1
    assert len(post.mails) == 1
    (alert,) = await alerts_of(database)
    assert alert.channels == {"mail": "sent", "web-service": "the web service answered with status 500"}


async def test_each_attempt_at_a_mail_is_the_same_mail_and_then_it_is_sent(
    database: Database, make_keeper: Keeper, post: Post
) -> None:
    post.refusal = Retry(Reason("mail-connection-lost", "the mail server broke off"), outcome_unknown=True)
    keeper = make_keeper(alert_email="ops@one.example")
    await record(database, FAILED)
    await keeper.keep()
    await keeper.keep()
    assert len(post.mails) == 1
    assert (await alerts_of(database))[0].channels == {"mail": "the mail server broke off"}
    post.refusal = None
    await database.pool.execute("UPDATE alert_delivery SET due_at = now()")
    await keeper.keep()
    first, second = post.mails
    assert bytes(first) == bytes(second)
    assert first["Message-ID"].endswith("@afterword.example>")
    assert (await alerts_of(database))[0].channels == {"mail": "sent"}


async def test_one_that_was_in_hand_when_its_worker_died_comes_round_again(
    database: Database, make_keeper: Keeper, post: Post
) -> None:
    await record(database, FAILED)
    post.refusal = Killed()
    with pytest.raises(Killed):
        await make_keeper(alert_email="ops@one.example").keep()
    post.refusal = None
    keeper = make_keeper(alert_email="ops@one.example")
    await keeper.keep()
    assert len(post.mails) == 1
    await database.pool.execute("UPDATE alert_delivery SET due_at = now()")
    await keeper.keep()
    assert len(post.mails) == 2
    assert (await alerts_of(database))[0].channels == {"mail": "sent"}


async def test_without_a_channel_an_alert_is_kept_all_the_same(
    database: Database, make_keeper: Keeper
) -> None:
    await record(database, FAILED)
    await make_keeper().keep()
    (alert,) = await alerts_of(database)
    assert (alert.status, alert.channels) == ("told", {})


async def test_of_one_subject_one_alert_an_hour_is_sent_with_what_came_meanwhile(
    database: Database, make_keeper: Keeper, post: Post
) -> None:
    keeper = make_keeper(alert_email="ops@one.example")
    for _ in range(10):
        await record(database, FAILED)
        await keeper.keep()
    assert len(post.mails) == 1
    await database.pool.execute(
        "UPDATE alert SET due_at = due_at - interval '1 hour', decided_at = decided_at - interval '1 hour'"
    )
    await keeper.keep()
    assert [alert.count for alert in await alerts_of(database)] == [9, 1]
    assert len(post.mails) == 2


async def test_so_many_a_day_then_one_that_says_so_then_a_summary_the_next_day(
    database: Database, make_keeper: Keeper, post: Post
) -> None:
    keeper = make_keeper(alert_email="ops@one.example", alerts_per_day=20)
    await record(database, *(Alert("run-failed", f"problem/{n}", f"Fact {n}") for n in range(50)))
    await keeper.keep()
    await record(database, Alert("token-refused", "account/GA_1", "Refused"))
    await keeper.keep()
    assert len(post.mails) == 21
    assert "more are held back" in str(post.mails[-1]["Subject"])
    await a_day_passes(database)
    await keeper.keep()
    assert len(post.mails) == 22
    summary = post.mails[-1].get_content()
    assert "31 (failed runs: 30, refused tokens: 1)" in " ".join(summary.split())
    await keeper.keep()
    await a_day_passes(database)
    await keeper.keep()
    assert len(post.mails) == 22
    statuses = [alert.status for alert in await alerts_of(database)]
    assert (statuses.count("held back"), statuses.count("told")) == (31, 22)


async def test_keepers_at_once_send_each_alert_once_and_keep_the_limit(
    database: Database, make_keeper: Keeper, post: Post
) -> None:
    import asyncio  # noqa: PLC0415

    keepers = [make_keeper(alert_email="ops@one.example", alerts_per_day=10) for _ in range(4)]
    await record(database, *(Alert("run-failed", f"problem/{n}", f"Fact {n}") for n in range(30)))
    await asyncio.gather(*(keeper.keep() for keeper in keepers))
    await keepers[0].keep()
    assert len({mail["Message-ID"] for mail in post.mails}) == len(post.mails) == 11


async def test_what_is_old_is_forgotten(database: Database, make_keeper: Keeper) -> None:
    keeper = make_keeper()
    await record(database, FAILED)
    await keeper.keep()
    await keeper.prune()
    assert len(await alerts_of(database)) == 1
    await database.pool.execute("UPDATE alert SET decided_at = now() - interval '91 days'")
    await keeper.prune()
    assert await alerts_of(database) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"alert_email": "nobody"}, "alert_email"),
        ({"alert_url": "http://elsewhere.example/hook"}, "alert_url"),
        ({"alert_url": "https://169.254.169.254/hook"}, "alert_url"),
        ({"alert_url": "https://one.example/hook", "alert_secret": "short"}, "alert_secret"),
    ],
)
def test_a_channel_that_cannot_be_is_refused_with_the_option_to_mend(
    make_keeper: Keeper, options: dict[str, str], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        make_keeper(**options)


async def test_a_name_that_leads_into_a_private_network_is_not_posted_to(
    database: Database, make_keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    import aiohttp  # noqa: PLC0415

    async def resolve(*_: Any, **__: Any) -> list[dict[str, Any]]:
        return [{"hostname": "x", "host": "10.0.0.1", "port": 443, "family": 2, "proto": 0, "flags": 0}]

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", resolve)
    await record(database, FAILED)
    await make_keeper(alert_url="https://inside.example/hook").keep()
    (alert,) = await alerts_of(database)
    assert "private network" in alert.channels["web-service"]
