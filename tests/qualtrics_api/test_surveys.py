"""Surveys as client programs of Qualtrics' read them."""

import re
from typing import Any

import pytest

from afterword.surveys.definitions import (
    Choice,
    ScoreQuestion,
    SurveyDefinition,
    TextQuestion,
    add_survey,
    csat_survey,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


async def add_surveys(api: Any, number: int) -> list[str]:
    ids = [api.survey_id]
    for index in range(number):
        async with api.afterword.database.transaction() as connection:
            ids.append(await add_survey(connection, name=f"Survey {index}", definition=csat_survey()))
    return ids


async def test_surveys_are_listed(api: Any) -> None:
    result = await api.get("/surveys")
    assert result["nextPage"] is None
    (survey,) = result["elements"]
    assert survey | {"lastModified": "", "creationDate": ""} == {
        "id": api.survey_id,
        "name": "CSAT",
        "ownerId": api.afterword.owner_id,
        "lastModified": "",
        "creationDate": "",
        "isActive": True,
    }
    assert DATE.fullmatch(survey["lastModified"])
    assert DATE.fullmatch(survey["creationDate"])
    assert len(survey["id"]) == 18


async def test_a_client_that_follows_next_page_as_it_stands_sees_every_survey_once(api: Any) -> None:
    ids = await add_surveys(api, 4)
    seen: list[str] = []
    page: Any = f"{api.afterword.url}/API/v3/surveys?pageSize=2"
    while page is not None:
        assert page.startswith(api.afterword.url)
        result = await api.get(page.removeprefix(api.afterword.url))
        assert len(result["elements"]) <= 2
        seen += [survey["id"] for survey in result["elements"]]
        page = result["nextPage"]
    assert seen == ids


async def test_a_client_that_cuts_the_offset_off_next_page_sees_every_survey_once(api: Any) -> None:
    """Some do not take the address: they split it at the parameter and make their own, with a slash."""
    ids = await add_surveys(api, 105)
    first = await api.get("/surveys/")
    offset = first["nextPage"].split("?offset=")[1]
    for parameter in ("offset", "skipToken"):
        second = await api.get(f"/surveys/?{parameter}={offset}")
        assert [survey["id"] for survey in first["elements"] + second["elements"]] == ids
        assert second["nextPage"] is None


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ("pageSize=0", "QVAL_1", "pageSize is to be a number from 1 on"),
        ("pageSize=ten", "QVAL_1", "pageSize"),
        ("offset=-1", "QVAL_1", "offset is to be a number from 0 on"),
        ("offset=" + "9" * 5000, "QVAL_1", "offset"),
        ("offset=%D9%A3", "QVAL_1", "offset"),
        ("skipToken=", "QVAL_5", "skipToken should not be empty"),
    ],
)
async def test_a_page_that_cannot_be_is_refused(api: Any, query: str, code: str, words: str) -> None:
    status, told_code, message = await api.refused("GET", f"/surveys?{query}")
    assert (status, told_code) == (400, code)
    assert words in message


async def test_a_page_larger_than_any_is_made_smaller_and_one_beyond_the_end_is_empty(api: Any) -> None:
    assert len((await api.get("/surveys?pageSize=100000"))["elements"]) == 1
    assert await api.get("/surveys?offset=9999999999") == {"elements": [], "nextPage": None}


async def test_a_survey_is_told_with_its_questions_choices_blocks_and_embedded_data(api: Any) -> None:
    await api.respond()
    result = await api.get(f"/surveys/{api.survey_id}")
    assert result["id"] == api.survey_id
    assert result["ownerId"] == api.afterword.owner_id
    assert result["organizationId"] == "afterword"
    assert result["isActive"] is True
    assert DATE.fullmatch(result["creationDate"])
    assert DATE.fullmatch(result["lastModifiedDate"])
    assert result["expiration"] == {"startDate": None, "endDate": None}
    score = result["questions"]["QID1"]
    assert score["questionType"] == {"type": "MC", "selector": "SAHR", "subSelector": "TX"}
    assert score["questionName"] == "Q1"
    assert score["choices"]["2"] == {
        "recode": "2",
        "description": "Unhappy",
        "choiceText": "Unhappy",
        "imageDescription": None,
        "variableName": None,
        "analyze": True,
    }
    assert result["questions"]["QID2"]["questionType"]["type"] == "TE"
    assert "choices" not in result["questions"]["QID2"]
    assert result["exportColumnMap"] == {"Q1": {"question": "QID1"}, "Q2": {"question": "QID2"}}
    ((block_id, block),) = result["blocks"].items()
    assert re.fullmatch(r"BL_[A-Za-z0-9]{15}", block_id)
    assert block["elements"] == [
        {"type": "Question", "questionId": "QID1"},
        {"type": "Question", "questionId": "QID2"},
    ]
    assert result["flow"] == [{"type": "EmbeddedData"}, {"type": "Block", "id": block_id}]
    assert [field["name"] for field in result["embeddedData"]] == [
        "CustomerId",
        "ConversationId",
        "AgentId",
        "InboxId",
    ]
    assert result["responseCounts"] == {"auditable": 1, "generated": 0, "deleted": 0}


async def test_recodes_need_not_be_the_choices_numbers_and_texts_are_html(api: Any) -> None:
    definition = SurveyDefinition(
        questions=(
            ScoreQuestion("QID7", "You & us?", (Choice(0, "<none>"), Choice(10, "all"))),
            TextQuestion("QID3", "<b>Why</b>"),
        )
    )
    async with api.afterword.database.transaction() as connection:
        survey_id = await add_survey(connection, name="NPS", definition=definition)
    result = await api.get(f"/surveys/{survey_id}/")
    assert result["ownerId"] is None
    question = result["questions"]["QID7"]
    assert question["questionText"] == "You &amp; us?"
    assert question["choices"]["1"]["recode"] == "0"
    assert question["choices"]["1"]["description"] == "<none>"
    assert question["choices"]["1"]["choiceText"] == "&lt;none&gt;"
    assert question["choices"]["2"]["recode"] == "10"
    assert result["questions"]["QID3"]["questionText"] == "&lt;b&gt;Why&lt;/b&gt;"
    assert result["flow"] == [{"type": "Block", "id": next(iter(result["blocks"]))}]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/surveys/SV_1", 400, "QVAL_7"),
        ("/surveys/CID_aaaaaaaaaaaaaaa", 400, "QVAL_7"),
        ("/surveys/SV_aaaaaaaaaaaaaa%00", 400, "QVAL_7"),
        ("/surveys/SV_aaaaaaaaaaaaaaa", 404, "QMST_2.2"),
        ("/survey-definitions/SV_1/flow", 400, "MSTC_1"),
        ("/survey-definitions/SV_aaaaaaaaaaaaaaa/flow", 404, "QMST_2.2"),
        ("/surveys/SV_aaaaaaaaaaaaaaa/responses/R_aaaaaaaaaaaaaaa", 404, "QMST_2.2"),
    ],
)
async def test_a_survey_that_is_not_there_is_refused_as_with_qualtrics(
    api: Any, path: str, status: int, code: str
) -> None:
    assert (await api.refused("GET", path))[:2] == (status, code)


@pytest.mark.parametrize(
    "path",
    [
        "/surveys",
        "/surveys/SV_1",
        "/survey-definitions/x/flow",
        "/surveys/x/responses/y",
        "/eventsubscriptions/z",
    ],
)
async def test_a_token_is_asked_for_before_anything_else_is_looked_at(api: Any, path: str) -> None:
    answer = await api.afterword.send("GET", f"/API/v3{path}")
    assert answer.status == 400
    assert b"ATP_2" in answer._body
    assert (await api.refused("GET", path, token="x" * 40))[:2] == (401, "DCD_7")


@pytest.mark.parametrize(
    "path", ["/surveyz", "/contacts", "/surveys/SV_1/nothing", "/surveys/SV_1/responses", ""]
)
async def test_an_unknown_route_is_an_envelope_too_with_or_without_a_token(api: Any, path: str) -> None:
    """``GET /surveys/{id}/responses`` is none with Qualtrics either: there is no list of responses."""
    for headers in ({}, {"X-API-TOKEN": api.token}):
        answer = await api.afterword.send("GET", f"/API/v3{path}", headers=headers)
        assert answer.status == 404
        assert b'"httpStatus":"404 - Not Found"' in answer._body
        assert b"The requested resource does not exist." in answer._body


async def test_a_method_that_a_route_does_not_have_is_an_envelope_too(api: Any) -> None:
    assert (await api.refused("PATCH", "/surveys"))[0] == 405


async def test_the_flow_declares_the_surveys_embedded_data_and_then_asks(api: Any) -> None:
    flow = await api.get(f"/survey-definitions/{api.survey_id}/flow")
    assert (flow["Type"], flow["FlowID"], flow["Properties"]["Count"]) == ("Root", "FL_1", 3)
    data, block = flow["Flow"]
    assert (data["Type"], data["FlowID"]) == ("EmbeddedData", "FL_2")
    assert data["EmbeddedData"][0] == {
        "Description": "CustomerId",
        "Type": "Recipient",
        "Field": "CustomerId",
        "VariableType": "String",
        "DataVisibility": [],
        "AnalyzeText": False,
    }
    assert (block["Type"], block["FlowID"]) == ("Block", "FL_3")
    assert block["ID"] in (await api.get(f"/surveys/{api.survey_id}"))["blocks"]


async def test_a_flow_that_is_sent_changes_what_is_declared(api: Any) -> None:
    path = f"/survey-definitions/{api.survey_id}/flow"
    before = await api.get(f"/surveys/{api.survey_id}")
    flow = await api.get(path)
    flow["Flow"][0]["EmbeddedData"] = [{"Field": name} for name in ("Region", "customerid", "REGION")]
    status, told = await api.call("PUT", path, flow)
    assert status == 200
    assert "result" not in told
    changed = await api.get(path)
    assert [field["Field"] for field in changed["Flow"][0]["EmbeddedData"]] == ["Region", "customerid"]
    assert (await api.get(f"/surveys/{api.survey_id}"))["questions"] == before["questions"]
    changed["Flow"] = changed["Flow"][1:]
    assert (await api.call("PUT", path, changed))[0] == 200
    assert len((await api.get(path))["Flow"]) == 1


async def test_a_flow_that_surveys_here_cannot_have_is_refused_with_what_it_was(api: Any) -> None:
    path = f"/survey-definitions/{api.survey_id}/flow"
    flow = await api.get(path)
    data, block = flow["Flow"]
    field = {"Field": "Tier", "Value": "gold"}
    for elements, words in [
        ([data], "the survey's one block"),
        ([data, block, block], "once"),
        ([data, {**block, "ID": "BL_aaaaaaaaaaaaaaa"}], block["ID"]),
        ([data, block, {"Type": "Branch", "Flow": []}], "Branch"),
        ([{"Type": "EmbeddedData", "EmbeddedData": [field]}, block], "Tier is given a value"),
        ([{"Type": "EmbeddedData", "EmbeddedData": [{"Field": ""}]}, block], "1 to 200"),
        ([{"Type": "EmbeddedData", "EmbeddedData": [{"Field": "a\x00"}]}, block], "printable"),
        ([{"Type": "EmbeddedData", "EmbeddedData": [{"Field": f"f{n}"} for n in range(501)]}, block], "500"),
        ([{"Type": 3}], "$.Flow[0].Type"),
        ("x", "$.Flow"),
    ]:
        status, code, message = await api.refused("PUT", path, {**flow, "Flow": elements})
        assert (status, code) == (400, "RP_0.1"), words
        assert words in message
    for body, words in [(b"{", "not JSON"), (b"[" * 100_000, "not JSON"), (b"null", "object")]:
        status, code, message = await api.refused("PUT", path, body)
        assert (status, code) == (400, "RP_0.1")
        assert words in message
    assert (await api.refused("PUT", path, b"x" * 600_000))[0] == 413
    assert await api.get(path) == flow


async def test_a_flow_is_changed_by_those_who_may_change_surveys(api: Any) -> None:
    path = f"/survey-definitions/{api.survey_id}/flow"
    flow = await api.get(path, token=api.afterword.other_token)
    told = await api.refused("PUT", path, flow, token=api.afterword.other_token)
    assert told[:2] == (403, "MSTC_3")
