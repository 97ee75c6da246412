"""Every address that Gladly publishes is answered, or stands in the list of those that are not."""

import re

from afterword_sandbox.api.routes import API_ROUTES

ANSWERED = """
GET              agents
GET              agents/{}
POST             answers
DELETE GET PATCH answers/{}
DELETE GET PUT   answers/{}/languages/{}/type/{}
GET              audiences
GET POST         business-hours
DELETE GET PUT   business-hours/{}
POST             communications/email
POST             communications/sms
POST             conversation-items
DELETE GET       conversation-items/{}
GET              conversation-items/{}/media/recording
POST             conversation-items/{}/redact
POST             conversation-items/{}/reply
GET              conversation-items/{}/voice-transcript
GET PATCH        conversations/{}
GET              conversations/{}/items
POST             conversations/{}/notes
GET              conversations/{}/notes/{}
POST             conversations/{}/topics
DELETE           conversations/{}/topics/{}
GET              custom-attributes/{}
POST             customer-history/{}/conversations/{}/custom-attributes
GET POST         customer-profiles
DELETE GET PATCH customer-profiles/{}
POST             customers/{}/conversation-items
DELETE           customers/{}/conversation-items/{}
GET              customers/{}/conversations
GET POST         customers/{}/tasks
GET              events
GET              export/jobs
DELETE GET       export/jobs/{}
GET              export/jobs/{}/files/{}
GET              export/schedules
GET              inboxes
GET              inboxes/{}
GET              message-automation/sessions/{}
POST             message-automation/sessions/{}/close
POST             message-automation/sessions/{}/handoff
GET POST         message-automation/sessions/{}/messages
GET              message-automation/sessions/{}/messages/{}
POST             message-automation/sessions/{}/typing-indicators
GET              organization
GET              orgs/{}/answers
GET              orgs/{}/answers-search
GET              orgs/{}/answers/{}
POST             reports
POST             reports/work-session-events
POST             tasks
GET PATCH        tasks/{}
GET POST         tasks/{}/comments
GET              tasks/{}/comments/{}
GET              teams
GET              teams/{}
GET POST         topics
GET PATCH        topics/{}
GET POST         webhooks
DELETE GET PATCH webhooks/{}
"""
NOT_ANSWERED = """
GET PATCH        agents/{}/call-recorder
POST             campaigns/{}/recipient-collections
POST             communications/custom-channels/{}/messages
PUT              communications/custom-channels/{}/messages/{}/status
GET              conversation-items/{}/attachments/{}
GET              orgs/{}/help-center/{}/answer-titles
POST             user-identity-jwt
"""
"""As docs/sandbox.md says: nothing that was found in the public uses them."""


def calls(listed: str) -> set[tuple[str, str]]:
    found = set()
    for line in listed.strip().splitlines():
        *methods, path = line.split()
        found |= {(method, path) for method in methods}
    return found


def test_what_is_published_is_answered_and_nothing_is_made_up() -> None:
    answered = {
        (route.method, re.sub(r"{[^}]*}", "{}", route.path.removeprefix("/api/v1/"))) for route in API_ROUTES
    }
    assert answered == calls(ANSWERED)
    assert not answered & calls(NOT_ANSWERED)
