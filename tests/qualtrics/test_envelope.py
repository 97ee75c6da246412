import uuid

import msgspec
import pytest

from afterword.qualtrics import envelope


def told(answer: envelope.Answer) -> object:
    return msgspec.json.decode(msgspec.json.encode(answer))


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (200, "200 - OK"),
        (400, "400 - Bad Request"),
        (401, "401 - Unauthorized"),
        (403, "403 - Forbidden"),
        (404, "404 - Not Found"),
        (413, "413 - Request Entity Too Large"),
        (429, "429 - Too Many Requests"),
        (500, "500 - Internal Server Error"),
        (503, "503 - Temporary Internal Server Error"),
        (504, "504 - Gateway Timeout"),
        (418, "418 - Error"),
        (299, "299 - OK"),
    ],
)
def test_the_status_has_the_form_that_clients_compare(status: int, text: str) -> None:
    assert envelope.http_status(status) == text


def test_a_success_has_its_result() -> None:
    assert told(envelope.success({"id": "SV_1"}, request_id="r")) == {
        "result": {"id": "SV_1"},
        "meta": {"httpStatus": "200 - OK", "requestId": "r"},
    }


def test_a_success_without_data_has_no_result() -> None:
    assert told(envelope.success(request_id="r")) == {"meta": {"httpStatus": "200 - OK", "requestId": "r"}}


def test_a_result_may_be_null() -> None:
    assert told(envelope.success(None, request_id="r", notice="slow")) == {
        "result": None,
        "meta": {"httpStatus": "200 - OK", "requestId": "r", "notice": "slow"},
    }


def test_a_failure_has_its_error() -> None:
    refusal = envelope.UNKNOWN_TOKEN
    assert told(envelope.failure(refusal.status, refusal.message, refusal.code, request_id="r")) == {
        "meta": {
            "httpStatus": "401 - Unauthorized",
            "requestId": "r",
            "error": {"errorMessage": "Unrecognized X-API-TOKEN.", "errorCode": "DCD_7"},
        }
    }


def test_a_gateways_failure_has_no_code() -> None:
    refusal = envelope.NO_SUCH_ROUTE
    answer = envelope.failure(refusal.status, refusal.message, refusal.code)
    assert answer.meta.error == envelope.ErrorMeta("The requested resource does not exist.")
    assert "errorCode" not in msgspec.json.encode(answer).decode()


def test_every_answer_has_a_request_id_of_its_own() -> None:
    ids = {envelope.success().meta.request_id, envelope.failure(400, "no", "c").meta.request_id}
    assert len({uuid.UUID(request_id) for request_id in ids}) == 2
