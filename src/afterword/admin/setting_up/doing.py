"""What each step of the set-up does when its form is sent; each may be sent again, and then changes nothing."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from afterword.accounts.connected import AccountSummary, InvalidAccount
from afterword.accounts.connecting import Connector
from afterword.accounts.people import Person
from afterword.accounts.qualtrics_accounts import get_qualtrics, with_notification_secret
from afterword.admin.setting_up.steps import MAIL_PROOF_SECONDS, SetUp, mail_proof_key
from afterword.admin.setting_up.whom import begin_count
from afterword.admin.setting_up.work import Work
from afterword.directory.contacts import mail_address
from afterword.distributions.sending import Mailer
from afterword.distributions.trial_mail import send_test_message
from afterword.outcomes import ConfigurationError, Outcome
from afterword.pages.wording import sentence
from afterword.translating import gettext, retold
from afterword.webhook_keeping.at_once import Webhooks
from afterword.workflows.saving.guide import find_own_service, make_guide, make_own_service
from afterword.workflows.saving.known import check_on_saving
from afterword.workflows.saving.responses_told import (
    NoAdministrator,
    WebService,
    check_survey,
    subscribe_to,
    web_service,
)
from afterword.workflows.saving.trying import put_guide_in_test, switch_guide_on
from afterword.workflows.saving.whom_to_ask import WhomToAsk
from afterword.workflows.saving.workflows import Check

FIELDS = {"base_url": "address"}
"""What a form calls what an account calls otherwise."""

Typed = Mapping[str, str]
NOTHING: Typed = MappingProxyType({})


class Refused(Exception):
    """Nothing was changed; the words are for who asked, ``field`` is where they stand, empty for above the form.

    ``errors`` has them by field, with what else is wrong. ``to_paste`` is another way, for who can take it.
    """

    def __init__(
        self,
        words: str,
        field: str = "",
        *,
        besides: Mapping[str, str] = NOTHING,
        to_paste: WebService | None = None,
    ) -> None:
        super().__init__(words)
        self.errors = {field: words, **besides}
        self.to_paste = to_paste


class Doing:
    """Does what the forms ask for."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connector = Connector(work.settings, work.database, work.box)
        self._webhooks = Webhooks(work.settings, work.database, work.box, self._connector)
        self._mailer = Mailer(work.settings)
        self._steps: Mapping[str, Callable[[Typed, Person, SetUp], Awaitable[None]]] = {
            "gladly": self._gladly,
            "surveys": self._surveys,
            "mail": self._mail,
            "questions": self._questions,
            "workflows": self._workflows,
            "try": self._try,
            "on": self._on,
        }

    async def do(self, step_id: str, typed: Typed, person: Person, set_up: SetUp) -> None:
        """Do what a step's form asks for.

        Raises:
            Refused: it cannot be done so; nothing was changed.
        """
        if step_id not in self._steps:
            raise Refused(gettext("There is nothing to do here."))
        try:
            await self._steps[step_id](typed, person, set_up)
        except InvalidAccount as error:
            words = str(error).removeprefix(f"{error.field}: ") if error.field else str(error)
            raise Refused(sentence(words), FIELDS.get(error.field, error.field)) from None
        except ConfigurationError as error:
            raise Refused(str(error)) from None

    async def _gladly(self, typed: Typed, person: Person, set_up: SetUp) -> None:
        if set_up.gladly is not None:
            await self._try_again(set_up.gladly.account, typed)
            await self._webhooks.keep(await self._connector.gladly_account(set_up.gladly.account))
            return
        _check_filled(
            typed,
            address=gettext("The address"),
            username=gettext("The user name"),
            api_token=gettext("The API token"),
        )
        account, _organization = await self._connector.add_gladly(
            address=typed["address"],
            username=typed["username"],
            api_token=typed["api_token"],
            name=typed.get("name") or None,
        )
        await self._webhooks.keep(account)
        await begin_count(self._work.database, account.id, WhomToAsk(), asked_by=person.email)

    async def _try_again(self, account: AccountSummary, typed: Typed) -> None:
        """Try an account, with another token where one was typed."""
        if typed.get("api_token"):
            await self._connector.rotate(account, typed["api_token"])
        else:
            await self._connector.verify(account)

    async def _surveys(self, typed: Typed, person: Person, set_up: SetUp) -> None:
        if set_up.qualtrics is not None:
            if not set_up.asks_itself:
                await self._try_again(set_up.qualtrics.account, typed)
            return
        if typed.get("who") == "own":
            work = self._work
            async with work.database.transaction() as connection:
                await make_own_service(
                    connection, work.box, public_url=work.settings.public_url, owner_id=person.id
                )
            return
        if typed.get("who") != "qualtrics":
            raise Refused(gettext("Choose who asks."))
        _check_filled(
            typed, address=gettext("The data center or address"), api_token=gettext("The API token")
        )
        await self._connector.add_qualtrics(
            address=typed["address"],
            api_token=typed["api_token"],
            name=typed.get("name") or None,
            json_event_url=typed.get("json_event_url") or None,
        )

    async def _mail(self, typed: Typed, person: Person, _: SetUp) -> None:
        work, to = self._work, _address(typed.get("email", ""))
        try:
            taken_at = await send_test_message(self._mailer, work.settings, to=to, name=person.name)
        except Outcome as error:
            raise Refused(
                gettext("It could not be sent: %(reason)s.", reason=retold(error.reason.words))
            ) from None
        await work.store.set(mail_proof_key(work.settings), taken_at.isoformat(), MAIL_PROOF_SECONDS)

    async def _questions(self, typed: Typed, _: Person, set_up: SetUp) -> None:
        if set_up.qualtrics is None or set_up.asks_itself:
            raise Refused(gettext("There is nothing to do here."))
        _check_filled(typed, survey_id=gettext("The survey"))
        work, survey_id = self._work, typed["survey_id"]
        async with work.database.transaction() as connection:
            account = await get_qualtrics(connection, work.box, set_up.qualtrics.account.id)
            if account is None:
                raise Refused(gettext("The Qualtrics account was removed meanwhile."))
            account = await with_notification_secret(connection, work.box, account)
        public_url = work.settings.public_url
        async with self._connector.qualtrics_client(account) as client:
            try:
                await check_survey(work.database, client, account, survey_id, public_url=public_url)
                await subscribe_to(work.database, client, account, survey_id, public_url=public_url)
            except NoAdministrator as error:
                raise Refused(str(error), to_paste=web_service(public_url, account, survey_id)) from None
            except ConfigurationError as error:
                raise Refused(str(error), "survey_id") from None
            except Outcome as error:
                raise Refused(f"{sentence(retold(error.reason.words))}.", "survey_id") from None

    async def _workflows(self, _: Typed, person: Person, set_up: SetUp) -> None:
        if set_up.gladly is None:
            raise Refused(gettext("Connect Gladly first."))
        if set_up.qualtrics is None:
            raise Refused(gettext("Choose first who asks."))
        account: AccountSummary = set_up.qualtrics.account
        async with self._work.database.transaction() as connection:
            await make_guide(
                connection,
                gladly_account_id=set_up.gladly.account.id,
                own=await find_own_service(connection, self._work.box) if set_up.asks_itself else None,
                qualtrics_account_id=account.id,
                survey_id=set_up.told_of or "",
                owner_id=person.id,
                check=self._check,
            )

    async def _try(self, typed: Typed, person: Person, set_up: SetUp) -> None:
        _check_whole(set_up)
        _check_seen(typed, set_up)
        if set_up.is_on:
            raise Refused(
                gettext("Customers are asked already: put the Workflow in test there, if you mean it.")
            )
        address = _address(typed.get("email", ""))
        async with self._work.database.transaction() as connection:
            await put_guide_in_test(connection, set_up.guide, address, person_id=person.id, check=self._check)

    async def _on(self, typed: Typed, person: Person, set_up: SetUp) -> None:
        if set_up.is_on:
            return
        _check_whole(set_up)
        _check_seen(typed, set_up)
        async with self._work.database.transaction() as connection:
            await switch_guide_on(connection, set_up.guide, person_id=person.id, check=self._check)

    @property
    def _check(self) -> Check:
        return check_on_saving(self._work.planning.types)


def _check_filled(typed: Typed, **fields: str) -> None:
    missing = {
        field: gettext("%(name)s is missing.", name=name)
        for field, name in fields.items()
        if not typed.get(field)
    }
    if missing:
        first = next(iter(missing))
        raise Refused(missing[first], first, besides=missing)


def _check_whole(set_up: SetUp) -> None:
    if not set_up.is_whole:
        raise Refused(gettext("Make the Workflows first."))


def _check_seen(typed: Typed, set_up: SetUp) -> None:
    """Nobody writes over what somebody else set a moment ago without having seen it."""
    if typed.get("revisions") != set_up.revisions:
        raise Refused(
            gettext(
                "Somebody changed the Workflows meanwhile. Look at how it stands now, then send this again."
            )
        )


def _address(text: str) -> str:
    address = mail_address(text)
    if address is None:
        raise Refused(gettext("This is not an email address."), "email")
    return address
