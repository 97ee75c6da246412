"""What the conversations that were looked at amount to."""

from hypothesis import example, given
from hypothesis import strategies as st

from afterword.eligibility.settings import Eligibility
from afterword.outcomes import Reason
from afterword.previewing.counting import Count, Excluded, Weighed, count
from afterword.previewing.words import why_not


@st.composite
def customers(draw: st.DrawFn) -> Weighed:
    conversations = draw(st.integers(1, 9))
    asked = draw(st.integers(0, conversations))
    lately = draw(st.integers(0, conversations - asked))
    reasons = {"asked-lately": lately, "no-agent-message": conversations - asked - lately}
    return Weighed(conversations, asked, draw(st.integers(0, asked)), reasons)


def counted(weighed: list[Weighed], unseen: int = 0, excluded: int = 0) -> Count:
    seen = sum(one.conversations for one in weighed)
    return count({"closed-by-rule": excluded}, weighed, seen + unseen, {"x": Reason("x", "x")})


@example([Weighed(2, 2, 2), Weighed(10, 0, 0, {"asked-lately": 5, "no-agent-message": 5})], 280, 0)
@given(st.lists(customers(), min_size=1, max_size=40), st.integers(0, 5000), st.integers(0, 50))
def test_all_add_up_and_the_interval_holds_what_was_seen(
    weighed: list[Weighed], unseen: int, excluded: int
) -> None:
    result = counted(weighed, unseen, excluded)
    seen = sum(one.conversations for one in weighed)
    assert result.conversations == seen + unseen + excluded
    assert result.asked + sum(one.number for one in result.reasons) == result.conversations
    asked = sum(one.asked for one in weighed)
    assert asked <= result.low <= result.asked <= result.high <= asked + unseen
    assert 0 <= result.waited <= result.asked
    assert result.is_exact or unseen


def test_customers_whose_conversations_are_alike_tell_less() -> None:
    apart = counted([_all_or_none(1, asked=number % 2 == 0) for number in range(200)], 5000)
    alike = counted([_all_or_none(10, asked=number % 2 == 0) for number in range(20)], 5000)
    assert apart.asked == alike.asked
    assert alike.high - alike.low > 2 * (apart.high - apart.low)


def _all_or_none(conversations: int, *, asked: bool) -> Weighed:
    if asked:
        return Weighed(conversations, conversations)
    return Weighed(conversations, 0, reasons={"asked-lately": conversations})


def test_with_nothing_closed_there_is_nothing_to_count() -> None:
    assert counted([]) == Count(conversations=0, asked=0, low=0, high=0, waited=0, looked_at=0, reasons=())


def test_reasons_are_told_with_the_numbers_of_the_rules() -> None:
    wanted = Eligibility(once_in_days=30, share_percent=12.5)
    codes = ("asked-lately", "not-in-share", "customer-has-no-email", "of-tomorrow")
    told = [why_not(Excluded(code=code, words="in words", number=1), wanted) for code in codes]
    assert told == [
        "asked in the last 30 days",
        "not in the share of 12.5 %",
        "no email address",
        "in words",
    ]
