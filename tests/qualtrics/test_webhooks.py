"""What Qualtrics tells of responses: who may, and what is told, in the form of published samples."""

import hashlib
import hmac
import json
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterword.qualtrics.webhooks import (
    InvalidNotification,
    NotSigned,
    body_to_paste,
    has_secret,
    is_signed,
    new_secret,
    read_form,
    read_message,
    read_pasted,
)

KEY = "sharedKeyOfTheTests"
SAMPLE_OF_2019 = (
    '{"Status":"Complete","SurveyID":"SV_3qZrV0sT9bLkHyN","ResponseID":"R_2dyzFvPqhjcWXoE",'
    '"CompletedDate":"2019-02-04 11:00:39","BrandID":"acme"}'
)
LATER_SAMPLE = (
    '{"Status":"Complete","SurveyID":"SV_3qZrV0sT9bLkHyN","RecipientID":"CGC_1lYfKtHfKyxBtIE",'
    '"ResponseEventContext":"","DistributionID":"EMD_1","ResponseID":"R_2dyzFvPqhjcWXoE",'
    '"CompletedDate":"2021-02-04 11:00:39","CreatorID":"UR_1","DistributionChannel":"email","BrandID":"acme"}'
)


def signed(message: str, key: str = KEY) -> bytes:
    signature = hmac.new(key.encode(), message.encode(), hashlib.sha512).hexdigest()
    assert len(signature) == 128
    topic = "acme.surveyengine.completedResponse.SV_3qZrV0sT9bLkHyN"
    return urlencode({"Topic": topic, "HMAC": signature, "MSG": message}).encode()


@pytest.mark.parametrize("sample", [SAMPLE_OF_2019, LATER_SAMPLE])
def test_messages_of_the_published_form_are_known_and_read(sample: str) -> None:
    form = read_form(signed(sample))
    assert is_signed(form, ["older", KEY])
    told = read_message(form)
    assert (told.survey_id, told.response_id) == ("SV_3qZrV0sT9bLkHyN", "R_2dyzFvPqhjcWXoE")
    assert (told.kind, told.text) == ("created", sample)
    assert told.at is not None
    assert told.at.isoformat().endswith("-02-04T11:00:39+00:00")


@given(
    message=st.text(),
    key=st.text(min_size=1).filter(lambda text: text.isascii()),
    plus=st.booleans(),
)
def test_whatever_is_signed_and_encoded_comes_out_as_it_was(message: str, key: str, plus: bool) -> None:
    body = signed(message, key) if plus else signed(message, key).replace(b"+", b"%20")
    form = read_form(body)
    assert form.fields["MSG"].decode() == message
    assert is_signed(form, [key])
    assert not is_signed(form, [key + "x"])


@given(message=st.text(min_size=1), position=st.integers(min_value=0))
def test_a_change_of_one_character_is_found(message: str, position: int) -> None:
    form = read_form(signed(message))
    at = position % len(message)
    changed = message[:at] + ("y" if message[at] == "x" else "x") + message[at + 1 :]
    form.fields["MSG"] = changed.encode()
    assert not is_signed(form, [KEY])


@given(st.binary())
def test_any_bytes_are_read_as_a_form(body: bytes) -> None:
    form = read_form(body)
    with pytest.raises(NotSigned):
        is_signed(form, [KEY])


@given(st.binary())
def test_any_bytes_in_a_message_are_read_or_refused(message: bytes) -> None:
    form = read_form(b"MSG=" + quote(message).encode())
    assert form.fields["MSG"] == message
    try:
        read_message(form)
    except InvalidNotification:
        return


def test_without_a_secret_nobody_is_let_in() -> None:
    form = read_form(signed(SAMPLE_OF_2019, ""))
    assert not is_signed(form, [])
    assert not is_signed(form, [""])
    assert not has_secret("", [""])
    assert not has_secret(None, [""])
    assert not has_secret("x", [])


@given(st.text())
def test_a_header_is_right_only_when_it_is_the_secret(given_: str) -> None:
    secret = "the secret of the tests"
    assert has_secret(given_, ["older", secret]) is (given_ in ("older", secret))
    assert has_secret(secret, ["older", secret])


def test_the_body_to_paste_is_read_back_once_qualtrics_filled_it_in() -> None:
    body = body_to_paste("SV_1", "updated")
    with pytest.raises(InvalidNotification, match="not filled in"):
        read_pasted(body.encode())
    told = read_pasted(body.replace("${rm://Field/ResponseID}", "R_1").encode())
    assert (told.survey_id, told.response_id, told.kind) == ("SV_1", "R_1", "updated")
    assert json.loads(body)["kind"] == "updated"


def test_secrets_are_of_the_length_that_qualtrics_knows_and_never_alike() -> None:
    assert {len(new_secret()) for _ in range(20)} == {32}
    assert len({new_secret() for _ in range(20)}) == 20
