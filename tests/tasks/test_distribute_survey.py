"""XM Directory: Distribute survey: one contact, one invitation, one mail, however often it is called."""

import json
from typing import Any

import msgspec
import pytest
from tests.fixtures.sandbox import Sandbox

from afterword.directory.contacts import opt_out
from afterword.distributions.sending import Mailer
from afterword.outcomes import Outcome, Permanent, Retry, Skip
from afterword.outgoing.exchanges import recorded_exchanges
from afterword.settings import Settings
from afterword.tasks.contract import Done, TaskCall, Wait
from afterword.tasks.distribute_survey import DistributeSurvey, DistributeSurveyTask
from afterword.tasks.fields import EmbeddedDatum


def call(ready: Any, run_id: int = 1, **changes: Any) -> TaskCall[DistributeSurvey]:
    configuration = DistributeSurvey(
        mailing_list=ready.mailing_list,
        first_name="Ada",
        last_name="Lovelace",
        email="ada@asked.example",
        embedded_data=(EmbeddedDatum("customerId", "c1"), EmbeddedDatum("other", "x")),
        survey=ready.survey,
    )
    return TaskCall(
        run_key=str(run_id),
        task_id="T-1",
        attempt=1,
        configuration=msgspec.structs.replace(configuration, **changes),
        fields={"customerId": "c1"},
    )


async def count(ready: Any, table: str) -> int:
    return int(await ready.services.database.pool.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608


async def test_the_contact_is_written_to_with_a_personal_link(ready: Any, sandbox: Sandbox) -> None:
    done = await DistributeSurveyTask(ready.services).run(call(ready, email="link@asked.example"))
    assert isinstance(done, Done)
    (mail,) = sandbox.mails("link@asked.example")
    token = await ready.services.database.pool.fetchval("SELECT link_token FROM invitation")
    assert f"http://afterword.example/jfe/form/{ready.survey}?Q_DL={token}" in mail["text"]
    assert token in mail["html"]
    assert len(token) >= 22
    assert done.output["distributionId"] in mail["headers"]["Message-ID"][0]


async def test_called_again_it_sends_nothing_again(ready: Any, sandbox: Sandbox) -> None:
    task = DistributeSurveyTask(ready.services)
    first = await task.run(call(ready, email="again@asked.example"))
    second = await task.run(call(ready, email="again@asked.example"))
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert first.output["distributionId"] == second.output["distributionId"]
    assert len(sandbox.mails("again@asked.example")) == 1
    tables = ("contact", "mailing_list_contact", "invitation")
    assert [await count(ready, table) for table in tables] == [1, 1, 1]


async def test_when_it_was_cut_off_before_it_noted_the_sending_it_sends_the_same_mail_to_the_byte(
    ready: Any, sandbox: Sandbox
) -> None:
    task = DistributeSurveyTask(ready.services)
    await task.run(call(ready, email="cut@asked.example"))
    await ready.services.database.pool.execute("UPDATE invitation SET sent_at = NULL")
    await task.run(call(ready, email="cut@asked.example"))
    one, other = sandbox.mails("cut@asked.example")
    assert {name: one[name] for name in ("headers", "text", "html", "subject")} == {
        name: other[name] for name in ("headers", "text", "html", "subject")
    }


async def test_another_run_is_another_invitation_of_the_same_contact(ready: Any, sandbox: Sandbox) -> None:
    task = DistributeSurveyTask(ready.services)
    await task.run(call(ready, 1, email="twice@asked.example"))
    await task.run(call(ready, 2, email="Twice@asked.example", first_name=""))
    assert (await count(ready, "contact"), await count(ready, "invitation")) == (1, 2)
    assert await ready.services.database.pool.fetchval("SELECT first_name FROM contact") == "Ada"


async def test_embedded_data_keeps_the_survey_flows_spelling(ready: Any) -> None:
    await DistributeSurveyTask(ready.services).run(call(ready, email="spelled@asked.example"))
    stored = await ready.services.database.pool.fetchval("SELECT embedded_data FROM invitation")
    assert json.loads(stored) == {"CustomerId": "c1", "other": "x"}


async def test_an_empty_name_is_said_kindly(ready: Any, sandbox: Sandbox) -> None:
    await DistributeSurveyTask(ready.services).run(
        call(ready, email="nameless@asked.example", first_name="", last_name="")
    )
    (mail,) = sandbox.mails("nameless@asked.example")
    assert "Hi there," in mail["text"]
    assert "Hi there," in mail["html"]


async def test_with_a_delay_it_waits_and_is_sent_when_the_time_has_come(ready: Any, sandbox: Sandbox) -> None:
    task = DistributeSurveyTask(ready.services)
    waits = await task.run(call(ready, email="delay@asked.example", delay_seconds=3600.0))
    assert isinstance(waits, Wait)
    assert sandbox.mails("delay@asked.example") == []
    await ready.services.database.pool.execute("UPDATE invitation SET send_at = now() - interval '1 second'")
    assert isinstance(await task.run(call(ready, email="delay@asked.example", delay_seconds=3600.0)), Done)
    assert len(sandbox.mails("delay@asked.example")) == 1


async def test_who_opted_out_is_skipped_also_while_the_survey_waits(ready: Any, sandbox: Sandbox) -> None:
    task = DistributeSurveyTask(ready.services)
    await task.run(call(ready, email="left@asked.example", delay_seconds=3600.0))
    async with ready.services.database.transaction() as connection:
        contact = await ready.services.database.pool.fetchval("SELECT id FROM contact")
        await opt_out(connection, contact)
    for run_id, spelled in [(1, "left@asked.example"), (2, " LEFT@Asked.Example ")]:
        with pytest.raises(Skip) as skipped:
            await task.run(call(ready, run_id, email=spelled))
        assert skipped.value.reason.code == "contact-opted-out"
    assert sandbox.mails("left@asked.example") == []


@pytest.mark.parametrize(
    ("email", "code"),
    [
        ("", "contact-has-no-email"),
        ("  ", "contact-has-no-email"),
        ("not an address", "contact-email-invalid"),
        ("a@b@c", "contact-email-invalid"),
        ("x@example.com\r\nBcc: y@example.com", "contact-email-invalid"),
    ],
)
async def test_a_bad_address_is_skipped_with_its_reason_and_stores_nothing(
    ready: Any, email: str, code: str
) -> None:
    with pytest.raises(Skip) as skipped:
        await DistributeSurveyTask(ready.services).run(call(ready, email=email))
    assert skipped.value.reason.code == code
    assert await count(ready, "contact") == 0


async def test_a_survey_that_is_not_active_or_gone_is_told_apart(ready: Any) -> None:
    await ready.services.database.pool.execute("UPDATE survey SET is_active = false")
    with pytest.raises(Skip):
        await DistributeSurveyTask(ready.services).run(call(ready))
    with pytest.raises(Permanent):
        await DistributeSurveyTask(ready.services).run(call(ready, survey="SV_none"))


async def test_a_mail_server_that_is_away_is_tried_later(ready: Any) -> None:
    away = Settings.load({}, smtp_port=1, smtp_security="none")
    services = msgspec.structs.replace(ready.services, mail=Mailer(away))
    with pytest.raises(Retry) as retried:
        await DistributeSurveyTask(services).run(call(ready))
    assert retried.value.reason.code == "mail-server-unreachable"
    assert not retried.value.outcome_unknown


async def test_a_text_that_asks_for_what_nobody_has_fails_and_names_it(ready: Any) -> None:
    with pytest.raises(Permanent) as failed:
        await DistributeSurveyTask(ready.services).run(call(ready, subject="Hi ${m://Nickname}"))
    assert "m://Nickname" in failed.value.reason.words


async def test_a_plan_is_the_mail_as_it_would_be_and_leaves_everything_as_it_was(
    ready: Any, sandbox: Sandbox, everything: Any
) -> None:
    task, wanted = DistributeSurveyTask(ready.services), call(ready, email="plan@asked.example")
    before = await everything()
    plan = await task.plan(wanted)
    assert await everything() == before
    assert not plan.repeats
    done = await task.run(wanted)
    assert isinstance(done, Done)
    assert plan.sends == done.sent
    assert plan.output["distributionId"] == done.output["distributionId"]
    assert set(task.outputs(wanted.configuration)) == set(plan.output)
    assert set(plan.output) <= set(done.output)
    before = await everything()
    again = await task.plan(wanted)
    assert (again.repeats, again.sends) == (True, done.sent)
    assert again.output == {name: done.output[name] for name in again.output}
    assert await everything() == before


async def test_the_personal_link_stands_in_the_mail_and_nowhere_in_run_history(
    ready: Any, sandbox: Sandbox
) -> None:
    wanted = call(ready, email="secret@asked.example", subject="Here: ${l://SurveyURL}")
    with recorded_exchanges() as exchanges:
        done = await DistributeSurveyTask(ready.services).run(wanted)
    token = await ready.services.database.pool.fetchval("SELECT link_token FROM invitation")
    (mail,) = sandbox.mails("secret@asked.example")
    assert token in mail["text"]
    assert token in mail["subject"]
    assert token not in f"{done}{exchanges}"
    (exchange,) = exchanges
    assert (exchange.method, exchange.status) == ("SMTP", 250)
    assert "To: Ada Lovelace <secret@asked.example>" in exchange.request


async def test_a_plan_ends_as_a_run_would_and_writes_nothing(ready: Any, everything: Any) -> None:
    task = DistributeSurveyTask(ready.services)
    await task.run(call(ready, 1, email="left@plan.example"))
    async with ready.services.database.transaction() as connection:
        await opt_out(connection, await ready.services.database.pool.fetchval("SELECT id FROM contact"))
    cases: list[tuple[type[Outcome], str, dict[str, str]]] = [
        (Skip, "contact-opted-out", {"email": "left@plan.example"}),
        (Skip, "contact-has-no-email", {"email": ""}),
        (Permanent, "survey-not-found", {"survey": "SV_none"}),
        (Permanent, "mailing-list-not-found", {"mailing_list": "CG_none"}),
        (Permanent, "reply-to-invalid", {"reply_to": "nobody"}),
        (Permanent, "piped-text-unknown", {"subject": "Hi ${m://Nickname}"}),
    ]
    for kind, code, changes in cases:
        before = await everything()
        for attempt in (task.plan, task.run):
            with pytest.raises(kind) as ended:
                await attempt(call(ready, 2, **changes))
            assert ended.value.reason.code == code
            if attempt == task.plan:
                assert await everything() == before


async def test_an_answer_to_the_mail_goes_where_reply_to_says(ready: Any, sandbox: Sandbox) -> None:
    await DistributeSurveyTask(ready.services).run(
        call(ready, email="reply@asked.example", reply_to=" help@acme.example ")
    )
    (mail,) = sandbox.mails("reply@asked.example")
    assert mail["headers"]["Reply-To"] == ["help@acme.example"]


async def test_a_link_expires_when_it_is_set_to_and_an_expired_one_is_not_sent(
    ready: Any, sandbox: Sandbox
) -> None:
    task, pool = DistributeSurveyTask(ready.services), ready.services.database.pool
    await task.run(call(ready, email="expires@asked.example", link_expires_days=2.0, delay_seconds=3600.0))
    lasts = "SELECT extract(epoch FROM expires_at - send_at)::float8 FROM invitation"
    assert await pool.fetchval(lasts) == 2 * 86400
    await pool.execute("UPDATE invitation SET send_at = now() - interval '3 days', expires_at = now()")
    with pytest.raises(Skip) as skipped:
        await task.run(call(ready, email="expires@asked.example", link_expires_days=2.0))
    assert skipped.value.reason.code == "invitation-expired"
    assert sandbox.mails("expires@asked.example") == []
