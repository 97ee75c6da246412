"""Email notification: one mail to the people named, whatever the values hold."""

import email
from typing import Any

import msgspec
import pytest
from tests.fixtures.sandbox import Sandbox

from afterword.distributions.sending import Mailer
from afterword.outcomes import Outcome, Permanent, Retry, Skip
from afterword.outgoing.exchanges import recorded_exchanges
from afterword.settings import Settings
from afterword.tasks.contract import Done, Repetition, TaskCall
from afterword.tasks.email_notification import EmailNotification, EmailNotificationTask


def call(to: str | tuple[str, ...], run_key: str = "1", **changes: Any) -> TaskCall[EmailNotification]:
    told: dict[str, Any] = {"subject": "Unhappy", "message": "Call them.\n\nSoon,\nplease."} | changes
    configuration = EmailNotification(to=(to,) if isinstance(to, str) else to, **told)
    return TaskCall(run_key=run_key, task_id="T-1", attempt=1, configuration=configuration, fields={})


async def test_everybody_named_gets_it_as_text_and_html(ready: Any, sandbox: Sandbox) -> None:
    task = EmailNotificationTask(ready.services)
    wanted = call(
        ("lead@told.example", "", " Lead@told.example ", "two@told.example"),
        cc=("quality@told.example", "two@told.example"),
        from_name="Afterword, Inc.",
        reply_to="service@told.example",
    )
    done = await task.run(wanted)
    (mail,) = sandbox.mails("quality@told.example")
    assert mail["to"] == [
        "lead@told.example",
        "Lead@told.example",
        "two@told.example",
        "quality@told.example",
    ]
    assert mail["headers"]["Reply-To"] == ["service@told.example"]
    assert mail["headers"]["From"] == ['"Afterword, Inc." <survey@afterword.example>']
    assert mail["subject"] == "Unhappy"
    assert mail["text"].replace("\r\n", "\n") == "Call them.\n\nSoon,\nplease.\n"
    assert "Soon,<br />please." in mail["html"] or "Soon,<br>please." in mail["html"]
    assert str(done.output["notificationId"]) in mail["headers"]["Message-ID"][0]
    assert set(done.output) == set(task.outputs(wanted.configuration))


async def test_each_attempt_has_the_same_message_id_and_another_run_another(
    ready: Any, sandbox: Sandbox
) -> None:
    task = EmailNotificationTask(ready.services)
    for run_key in ("1", "1", "2"):
        await task.run(call("again@told.example", run_key))
    ids = [mail["headers"]["Message-ID"][0] for mail in sandbox.mails("again@told.example")]
    assert (len(ids), len(set(ids))) == (3, 2)
    assert (task.repetition, task.repeats_when_unknown) == (Repetition.NEITHER, True)


async def test_values_become_neither_headers_nor_markup_nor_recipients(ready: Any, sandbox: Sandbox) -> None:
    evil = "Hi\r\nBcc: victim@told.example\n\n<img src=x onerror=alert(1)>"
    await EmailNotificationTask(ready.services).run(
        call("safe@told.example", subject=evil, from_name=evil, message=evil)
    )
    (mail,) = sandbox.mails("safe@told.example")
    assert sandbox.mails("victim@told.example") == []
    assert "Bcc" not in mail["headers"]
    assert mail["subject"].startswith("Hi Bcc: victim@told.example")
    assert "<img" not in mail["html"]
    assert "&lt;img" in mail["html"]


async def test_a_plan_says_what_would_be_sent_and_sends_nothing(
    ready: Any, sandbox: Sandbox, everything: Any
) -> None:
    task, wanted, before = (
        EmailNotificationTask(ready.services),
        call("plan@told.example"),
        await everything(),
    )
    plan = await task.plan(wanted)
    assert await everything() == before
    done = await task.run(wanted)
    assert plan.sends == done.sent
    assert plan.output["notificationId"] == done.output["notificationId"]
    assert plan.sends["text"] == "Call them.\n\nSoon,\nplease.\n"


@pytest.mark.parametrize(
    ("changes", "kind", "code"),
    [
        ({"to": ("", " ")}, Skip, "notification-without-recipient"),
        ({"to": ("a@told.example, b@told.example",)}, Permanent, "notification-address-invalid"),
        ({"cc": ("nobody",)}, Permanent, "notification-address-invalid"),
        ({"reply_to": "a@b@c"}, Permanent, "notification-address-invalid"),
        ({"subject": " "}, Permanent, "notification-without-subject"),
    ],
)
async def test_what_is_wrong_has_its_reason_and_mended_it_is_sent(
    ready: Any, sandbox: Sandbox, changes: dict[str, Any], kind: type[Outcome], code: str
) -> None:
    task = EmailNotificationTask(ready.services)
    address = f"{code}@mended.example"
    before = len(sandbox.mails(address))
    for attempt in (task.plan, task.run):
        with pytest.raises(kind) as refused:
            await attempt(call(**({"to": address} | changes)))
        assert refused.value.reason.code == code
        assert "told.example" not in str(refused.value)
    assert isinstance(await task.run(call(address)), Done)
    assert len(sandbox.mails(address)) == before + 1


async def test_a_mail_server_that_is_away_is_tried_later_and_then_it_is_sent(
    ready: Any, sandbox: Sandbox
) -> None:
    away = Settings.load({}, smtp_port=1, smtp_security="none")
    services = msgspec.structs.replace(ready.services, mail=Mailer(away))
    with pytest.raises(Retry) as retried:
        await EmailNotificationTask(services).run(call("later@told.example"))
    assert retried.value.reason.code == "mail-server-unreachable"
    assert not retried.value.outcome_unknown
    await EmailNotificationTask(ready.services).run(call("later@told.example"))
    assert len(sandbox.mails("later@told.example")) == 1


async def test_what_went_to_the_mail_server_is_recorded_without_the_text(
    ready: Any, sandbox: Sandbox
) -> None:
    with recorded_exchanges() as exchanges:
        await EmailNotificationTask(ready.services).run(call("record@told.example", message="a secret"))
    (exchange,) = exchanges
    assert (exchange.method, exchange.address) == ("SMTP", f"127.0.0.1:{sandbox.smtp_port}")
    told = email.message_from_string(exchange.request)
    assert (told["To"], told["Subject"]) == ("record@told.example", "Unhappy")
    assert exchange.status == 250
    assert "secret" not in exchange.request
