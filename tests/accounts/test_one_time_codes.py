"""One-time codes: taken once each, in their time; recovery codes when the phone is gone."""

from types import SimpleNamespace

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from afterword.accounts import one_time_codes
from afterword.accounts.one_time_codes import (
    PERIOD_SECONDS,
    WrongCode,
    has_codes,
    new_secret,
    recovery_codes_left,
    renew_recovery_codes,
    required_of,
    set_up,
    take_code,
    take_codes_away,
)
from afterword.accounts.people import Person
from afterword.accounts.secrets import SecretBox
from afterword.store import tables

NOW = 1_800_000_000


class Phone:
    """Makes codes, at a time that stands still until it is moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOW
        self.secret = new_secret()
        monkeypatch.setattr(one_time_codes, "time", SimpleNamespace(time=lambda: self.now))

    def code(self, periods: int = 0) -> str:
        return pyotp.TOTP(self.secret).at(self.now + periods * PERIOD_SECONDS)


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch) -> Phone:
    return Phone(monkeypatch)


@pytest.fixture
async def recovery(connection: AsyncConnection, box: SecretBox, manager: Person, phone: Phone) -> list[str]:
    return await set_up(connection, box, manager.id, secret=phone.secret, code=phone.code())


async def test_codes_are_set_up_by_a_right_one_alone(
    connection: AsyncConnection, box: SecretBox, manager: Person, phone: Phone
) -> None:
    for wrong in ("", "000000", "ü", phone.code(-5)):
        with pytest.raises(WrongCode):
            await set_up(connection, box, manager.id, secret=phone.secret, code=wrong)
    assert not await has_codes(connection, manager.id)
    codes = await set_up(connection, box, manager.id, secret=phone.secret, code=phone.code())
    assert len(set(codes)) == 10
    assert await recovery_codes_left(connection, manager.id) == 10


@pytest.mark.usefixtures("recovery")
async def test_a_code_is_taken_once_and_none_of_before_after_it(
    connection: AsyncConnection, box: SecretBox, manager: Person, phone: Phone
) -> None:
    with pytest.raises(WrongCode):  # it set them up
        await take_code(connection, box, manager.id, phone.code())
    phone.now += 10 * PERIOD_SECONDS
    assert not await take_code(connection, box, manager.id, phone.code(1))
    for of_before in (1, 0, -1):
        with pytest.raises(WrongCode):
            await take_code(connection, box, manager.id, phone.code(of_before))
    phone.now += PERIOD_SECONDS
    assert not await take_code(connection, box, manager.id, phone.code(1)[:3] + " " + phone.code(1)[3:])


@pytest.mark.usefixtures("recovery")
async def test_clocks_may_differ_by_one_period(
    connection: AsyncConnection, box: SecretBox, manager: Person, phone: Phone
) -> None:
    for periods in range(-3, 4):
        phone.now += 10 * PERIOD_SECONDS
        try:
            await take_code(connection, box, manager.id, phone.code(periods))
        except WrongCode:
            assert abs(periods) > 1
        else:
            assert abs(periods) <= 1


async def test_each_recovery_code_lets_in_once(
    connection: AsyncConnection, box: SecretBox, manager: Person, recovery: list[str]
) -> None:
    assert await take_code(connection, box, manager.id, recovery[3].upper().replace("-", " "))
    assert await recovery_codes_left(connection, manager.id) == 9
    with pytest.raises(WrongCode):
        await take_code(connection, box, manager.id, recovery[3])
    renewed = await renew_recovery_codes(connection, manager.id)
    with pytest.raises(WrongCode):
        await take_code(connection, box, manager.id, recovery[4])
    assert await take_code(connection, box, manager.id, renewed[0])


async def test_nothing_that_lets_in_is_stored_in_the_clear(
    connection: AsyncConnection, phone: Phone, recovery: list[str]
) -> None:
    stored = str((await connection.execute(select(tables.one_time_code))).all())
    for secret in (phone.secret, *recovery, *(one.replace("-", "") for one in recovery)):
        assert secret not in stored


async def test_codes_are_taken_away(
    connection: AsyncConnection, box: SecretBox, manager: Person, recovery: list[str]
) -> None:
    assert await take_codes_away(connection, manager.id)
    assert not await take_codes_away(connection, manager.id)
    for code in (recovery[0], "123456"):
        with pytest.raises(WrongCode):
            await take_code(connection, box, manager.id, code)


@given(typed=st.text())
async def test_what_is_no_code_is_refused(typed: str) -> None:
    assert one_time_codes._step_of("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", f"x{typed}") is None


def test_codes_are_required_of_whom_the_setting_says(manager: Person) -> None:
    assert [required_of(manager, of) for of in ("nobody", "administrators", "everybody")] == [
        False,
        False,
        True,
    ]
