"""``whoami``, by which every client of Qualtrics' tries its token."""

from typing import Any

import msgspec
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="session")

WHOAMI = "/API/v3/whoami"


async def ask(afterword: Any, path: str = WHOAMI, **headers: str) -> tuple[Any, dict[str, Any]]:
    answer = await afterword.send(
        "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    assert answer.content_type == "application/json"
    return answer, msgspec.json.decode(answer._body)


async def test_a_token_is_told_whose_it_is(afterword: Any) -> None:
    answer, told = await ask(afterword, X_API_TOKEN=afterword.api_token)
    assert told["meta"]["httpStatus"] == "200 - OK"
    assert told["result"] == {
        "brandId": "afterword",
        "userId": afterword.owner_id,
        "userName": "olive@example.com#afterword",
        "firstName": "Olive",
        "lastName": "van Owner",
        "email": "olive@example.com",
        "accountType": "UT_BRANDADMIN",
        "language": "EN",
        "datacenter": "afterword",
    }
    assert b"Secret" not in answer._body


async def test_clients_habits_are_borne(afterword: Any) -> None:
    """A slash at the end, a header in any case, a body with a GET."""
    for path, name in [(f"{WHOAMI}/", "x-api-token"), (WHOAMI, "X-Api-Token")]:
        answer = await afterword.send(
            "GET", path, b"{}", headers={name: afterword.api_token, "Content-Type": "application/json"}
        )
        assert answer.status == 200


async def test_no_credentials_are_a_bad_request_as_with_qualtrics(afterword: Any) -> None:
    answer, told = await ask(afterword)
    assert answer.status == 400
    assert told["meta"]["httpStatus"] == "400 - Bad Request"
    assert told["meta"]["error"]["errorCode"] == "ATP_2"


async def test_an_unknown_token_is_unauthorized(afterword: Any) -> None:
    for token in ["x" * 40, "", "\xff", afterword.api_token.lower(), afterword.api_token + " x"]:
        answer, told = await ask(afterword, X_API_TOKEN=token)
        assert answer.status == 401, token
        assert told["meta"]["httpStatus"] == "401 - Unauthorized"
        assert told["meta"]["error"] == {
            "errorCode": "DCD_7",
            "errorMessage": "Unrecognized X-API-TOKEN.",
        }


async def test_an_unknown_route_is_not_found_whoever_asks(afterword: Any) -> None:
    for path in ["/API/v3/brands", "/API", "/API/", "/API/v3/", "/API/v2/whoami", "//API/v3/x", "/API/%00"]:
        for headers in ({}, {"X_API_TOKEN": afterword.api_token}):
            answer, told = await ask(afterword, path, **headers)
            assert answer.status == 404, path
            assert told["meta"]["httpStatus"] == "404 - Not Found"
            assert told["meta"]["error"] == {"errorMessage": "The requested resource does not exist."}


async def test_another_method_is_refused_in_the_envelope(afterword: Any) -> None:
    for method in ["POST", "PUT", "DELETE"]:
        answer = await afterword.send(method, WHOAMI, b"{}", headers={"X-API-TOKEN": afterword.api_token})
        assert answer.status == 405
        assert "GET" in answer.headers["Allow"]
        assert msgspec.json.decode(answer._body)["meta"]["httpStatus"] == "405 - Method Not Allowed"
