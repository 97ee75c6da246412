"""The steps of the first set-up, each with its state: found by looking at what is there, not by remembering clicks."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Literal

import msgspec
from sqlalchemy import func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts.secrets import SecretBox
from afterword.accounts.subscribing import list_subscriptions
from afterword.admin.setting_up.whom_form import changed_fields
from afterword.settings import Settings
from afterword.store import tables
from afterword.store.database import Database
from afterword.store.sessions import DatabaseStore
from afterword.surveys.definitions import Survey, get_survey
from afterword.translating import N_, ngettext, retold, translated
from afterword.translating import gettext as _
from afterword.workflows.history.connections import Connection, Proof, connections
from afterword.workflows.history.trial import Check, LastEnd, checks_of, read_last_ends, read_trial
from afterword.workflows.saving.guide import Guide, OwnService, find_guide, find_own_service, survey_asked
from afterword.workflows.saving.listing import Workflow
from afterword.workflows.saving.whom_to_ask import whom_to_ask

State = Literal["open", "works", "waits", "broken"]
MAIL_PROOF_SECONDS = 365 * 24 * 3600
NO_ENDS: Mapping[str, LastEnd] = MappingProxyType({})

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "gladly": N_("Connect Gladly"),
        "surveys": N_("Choose who asks"),
        "mail": N_("Mail"),
        "questions": N_("What to ask"),
        "workflows": N_("Make the Workflows"),
        "whom": N_("Who is to be asked"),
        "answer": N_("Where the answer goes"),
        "try": N_("Try it yourself"),
        "on": N_("Switch on"),
    }
)
WHY: Mapping[str, str] = MappingProxyType(
    {
        "gladly": N_("So that Afterword hears of closed Conversations, and can put answers on the Timeline."),
        "surveys": N_("Somebody has to ask: Afterword's own survey service, or a Qualtrics that you have."),
        "mail": N_("The survey reaches Customers by mail, so a mail server has to take it."),
        "questions": N_("Customers answer what is asked here, and Agents read it."),
        "workflows": N_("They say what happens when a Conversation is closed and when an answer comes."),
        "whom": N_("Not every Conversation is worth a survey, and nobody wants one every week."),
        "answer": N_("Agents see score and comment where they work: on the Customer's Timeline."),
        "try": N_("See with an address of your own that each part works, before any Customer is asked."),
        "on": N_("From then on every Customer who may be asked is asked."),
    }
)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the set-up: its ``state``, in words, and when it was last seen to be so, or the last proof of it."""

    id: str
    state: State = "open"
    words: str = ""
    seen_at: datetime | None = None
    proof: Proof | None = None

    @property
    def title(self) -> str:
        """What it is called."""
        return TITLES[self.id]

    @property
    def why(self) -> str:
        """Why it is needed, in one sentence."""
        return WHY[self.id]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One of the guide's two parts with its state, in ``words``, and the Run that shows it."""

    title: str
    why: str
    state: State
    words: str
    at: datetime | None = None
    run_id: int | None = None


PARTS = (
    (
        N_("Gladly to Qualtrics: trigger the survey"),
        N_("A Conversation is closed, and the Customer gets the survey by mail."),
    ),
    (
        N_("Qualtrics to Gladly: update the Customer's Timeline"),
        N_("An answer comes, and score and comment stand on the Timeline."),
    ),
)


class SetUp(msgspec.Struct, frozen=True, kw_only=True):
    """What of the set-up is there.

    ``told_of`` is the survey of a real Qualtrics whose Responses are to come here, ``is_told`` whether they do: by an
    event subscription, or as one was seen to.
    """

    gladly: Connection | None
    qualtrics: Connection | None
    own: OwnService | None
    guide: Guide
    survey: Survey | None
    told_of: str | None
    is_told: bool
    mailed_at: datetime | None
    checks: tuple[Check, ...]
    last_ends: Mapping[str, LastEnd] = NO_ENDS

    @property
    def parts(self) -> tuple[Part, Part]:
        """The guide's two parts, each as its last Run shows it."""
        first = self.guide.ask if self.asks_itself else self.guide.tell
        return self._part(0, first), self._part(1, self.guide.answer)

    def _part(self, number: int, workflow: Workflow | None) -> Part:
        title, why = PARTS[number]
        accounts = (one for one in (self.gladly, self.qualtrics) if one is not None)
        broken = next((one for one in accounts if one.state == "broken"), None)
        if workflow is None:
            return Part(title=title, why=why, state="open", words="")
        if broken is not None:
            words = f"{broken.account.name}: {translated(broken.words)}"
            return Part(title=title, why=why, state="broken", words=words)
        end = self.last_ends.get(workflow.id)
        if end is None:
            words = _("not tried yet") if workflow.is_on else _("switched off, not tried yet")
            return Part(title=title, why=why, state="waits" if workflow.is_on else "open", words=words)
        is_good = end.status == "succeeded"
        return Part(
            title=title,
            why=why,
            state="works" if is_good else "broken",
            words=_("seen to work") if is_good else end.reason_words or _("it failed"),
            at=end.at,
            run_id=end.run_id,
        )

    @property
    def asks_itself(self) -> bool:
        """Whether Afterword's own survey service asks."""
        return self.qualtrics is None or (
            self.own is not None and self.own.account_id == self.qualtrics.account.id
        )

    @property
    def is_whole(self) -> bool:
        """Whether each Workflow of the guide that is needed is there."""
        guide = self.guide
        return bool(guide.tell and guide.answer and (guide.ask or not self.asks_itself))

    @property
    def in_test(self) -> bool:
        """Whether only an allow-list is written to."""
        return any(one.definition.brakes.in_test for one in self.guide.workflows)

    @property
    def revisions(self) -> str:
        """Which revisions of the Workflows this shows: a form that carries it tells whether they changed since."""
        return " ".join(f"{one.id}/{one.revision}" for one in self.guide.workflows)

    @property
    def is_on(self) -> bool:
        """Whether Customers are asked."""
        return self.is_whole and not self.in_test and all(one.is_on for one in self.guide.workflows)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step with its state, in order."""
        return (
            _account_step("gladly", self.gladly),
            _account_step("surveys", self.qualtrics),
            self._mail,
            self._questions,
            self._workflows,
            self._whom,
            self._answer,
            self._try,
            Step(id="on", state="works" if self.is_on else "open", words=_("on") if self.is_on else ""),
        )

    @property
    def next_step(self) -> Step | None:
        """The first step that is still to be done; ``None`` when all is done."""
        return next((step for step in self.steps if step.state != "works"), None)

    @property
    def _mail(self) -> Step:
        if not self.asks_itself:
            return Step(id="mail", state="works", words=_("Qualtrics sends it"))
        if self.mailed_at is None:
            return Step(id="mail")
        return Step(id="mail", state="works", words=_("the mail server took one"), seen_at=self.mailed_at)

    @property
    def _questions(self) -> Step:
        if self.asks_itself:
            if self.survey is None:
                return Step(id="questions")
            if not self.survey.is_active:
                return Step(id="questions", state="broken", words=_("the survey is not active"))
            return Step(id="questions", state="works", words=self.survey.name)
        if self.told_of is None:
            return Step(id="questions")
        if self.is_told:
            return Step(
                id="questions",
                state="works",
                words=_("Responses to %(survey)s come here", survey=self.told_of),
            )
        return Step(
            id="questions",
            state="waits",
            words=_("no Response to %(survey)s came here yet", survey=self.told_of),
        )

    @property
    def _workflows(self) -> Step:
        if self.is_whole:
            return Step(id="workflows", state="works", words=_("made"))
        some = (
            _("%(number)s there, others missing", number=len(self.guide.workflows))
            if self.guide.workflows
            else ""
        )
        return Step(id="workflows", state="waits" if some else "open", words=some)

    @property
    def _whom(self) -> Step:
        rules = None if self.guide.tell is None else whom_to_ask(self.guide.tell.definition)
        if rules is None:
            return Step(id="whom")
        number = len(changed_fields(rules))
        words = ngettext("by one rule", "by %(num)s rules", number)
        return Step(id="whom", state="works", words=words if number else _("everybody with an email address"))

    @property
    def _answer(self) -> Step:
        if self.guide.answer is None:
            return Step(id="answer")
        return Step(id="answer", state="works", words=_("onto the Customer's Timeline"))

    @property
    def _try(self) -> Step:
        seen = [one for one in self.checks if one.state == "works"]
        broken = next((one for one in self.checks if one.state == "broken"), None)
        if self.is_on or len(seen) == len(self.checks):
            return Step(id="try", state="works", words=_("seen to work") if seen else _("on already"))
        if not self.in_test:
            return Step(id="try")
        if broken is not None:
            return Step(id="try", state="broken", words=retold(broken.because))
        return Step(
            id="try",
            state="waits",
            words=_("%(number)s of %(all)s seen", number=len(seen), all=len(self.checks)),
        )


def _account_step(step_id: str, health: Connection | None) -> Step:
    if health is None:
        return Step(id=step_id)
    because = f": {retold(health.because)}" if health.because else ""
    words = f"{health.account.name}: {translated(health.words)}{because}"
    if health.state == "waits":
        words += f"; {_('the vendor may need up to ten minutes')}"
    return Step(id=step_id, state=health.state, words=words, proof=health.proof)


async def look(database: Database, box: SecretBox, settings: Settings, store: DatabaseStore) -> SetUp:
    """Look at what is there."""
    proof = await store.get(mail_proof_key(settings))
    async with database.read_only().transaction() as connection:
        return await _look(connection, box, None if proof is None else datetime.fromisoformat(proof.decode()))


async def _look(connection: AsyncConnection, box: SecretBox, mail_proof: datetime | None) -> SetUp:
    health = await connections(connection)
    own = await find_own_service(connection, box)
    gladly = _oldest(one for one in health if one.account.kind == "gladly" and one.account.delivery != "none")
    guide = Guide() if gladly is None else await find_guide(connection, gladly.account.id)
    qualtrics = _qualtrics_of(health, guide, own)
    asks_itself = qualtrics is not None and own is not None and own.account_id == qualtrics.account.id
    told_of, is_told = None, False
    if qualtrics is not None and not asks_itself:
        told_of, is_told = await _told_of(connection, qualtrics.account.id)
    survey = await _survey_of(connection, guide) if asks_itself else None
    return SetUp(
        gladly=gladly,
        qualtrics=qualtrics,
        own=own,
        guide=guide,
        survey=survey,
        told_of=told_of,
        is_told=is_told,
        mailed_at=await _newest_mail(connection) or mail_proof,
        checks=await _checks(connection, guide, asks_itself=asks_itself),
        last_ends=await read_last_ends(connection, [one.id for one in guide.workflows]),
    )


def mail_proof_key(settings: Settings) -> str:
    """Under which it is remembered that a mail was taken: for these settings alone."""
    of = (
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_security,
        settings.smtp_username,
        settings.mail_from,
    )
    return f"setup/mail/{hashlib.sha256(repr(of).encode()).hexdigest()}"


async def _checks(connection: AsyncConnection, guide: Guide, *, asks_itself: bool) -> tuple[Check, ...]:
    if guide.tell is None:
        return checks_of(None, None, None, asks_itself=asks_itself)
    others = [one.id for one in (guide.ask, guide.answer) if one is not None]
    tell, followed = await read_trial(connection, guide.tell.id, others)
    ask = None if guide.ask is None else followed.get(guide.ask.id)
    answer = None if guide.answer is None else followed.get(guide.answer.id)
    return checks_of(tell, ask, answer, asks_itself=asks_itself)


async def _told_of(connection: AsyncConnection, account_id: str) -> tuple[str | None, bool]:
    """The survey of a real Qualtrics that was subscribed to, else the one that was read last."""
    subscribed = await list_subscriptions(connection, account_id)
    if subscribed:
        return subscribed[0].survey_id, True
    read, came = tables.qualtrics_survey, tables.qualtrics_response
    newest = (
        select(read.c.survey_id).where(read.c.account_id == account_id).order_by(read.c.id.desc()).limit(1)
    )
    seen = await connection.scalar(select(came.c.account_id).where(came.c.account_id == account_id).limit(1))
    return await connection.scalar(newest), seen is not None


async def _survey_of(connection: AsyncConnection, guide: Guide) -> Survey | None:
    asked = guide.ask and survey_asked(guide.ask.definition)
    survey = tables.survey
    oldest = select(survey.c.id).order_by(survey.c.created_at, survey.c.id).limit(1)
    survey_id = asked or await connection.scalar(oldest)
    return None if survey_id is None else await get_survey(connection, survey_id)


async def _newest_mail(connection: AsyncConnection) -> datetime | None:
    """When a survey was last mailed; of each survey one row is read."""
    survey, invitation = tables.survey, tables.invitation
    newest = (
        select(invitation.c.sent_at)
        .where(invitation.c.survey_id == survey.c.id, invitation.c.sent_at.is_not(None))
        .order_by(invitation.c.send_at.desc())
        .limit(1)
        .lateral()
    )
    found: datetime | None = await connection.scalar(
        select(func.max(newest.c.sent_at)).select_from(survey).join(newest, true())
    )
    return found


def _qualtrics_of(health: Sequence[Connection], guide: Guide, own: OwnService | None) -> Connection | None:
    """The account that the guide's first Workflow tells; before there is one, our own service, else the oldest."""
    tasks = () if guide.tell is None else guide.tell.definition.tasks
    told = next(
        (task.configuration.get("qualtrics_account") for task in tasks if task.type == "send-json-event"),
        None,
    )
    wanted = told or (own and own.account_id)
    of_kind = [one for one in health if one.account.kind == "qualtrics"]
    return next((one for one in of_kind if one.account.id == wanted), None) or _oldest(of_kind)


def _oldest(health: Iterable[Connection]) -> Connection | None:
    return min(health, key=lambda one: one.account.created_at, default=None)
