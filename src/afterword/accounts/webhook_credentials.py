"""What the webhook of a Gladly account proves itself with: made, kept, and made anew."""

import secrets

import msgspec

from afterword.gladly.webhooks import BasicCredentials, HeaderToken, WebhookCredentials

WEBHOOK_USERNAME = "afterword"
KEPT_AT_ONCE = 2
"""Credentials of a kind that are valid at once: the newest, and the one before."""


def new_login() -> BasicCredentials:
    """A user name and a new password for a webhook."""
    return BasicCredentials(WEBHOOK_USERNAME, secrets.token_urlsafe(24))


def new_header_token(name: str) -> HeaderToken:
    """A header of this name with a new token, for a webhook."""
    return HeaderToken(name, secrets.token_urlsafe(24))


def renewed(webhook: WebhookCredentials) -> WebhookCredentials:
    """The credentials with a new first one of each kind; the one before stays valid until the next is made."""
    basic, header_tokens = webhook.basic, webhook.header_tokens
    if basic:
        basic = (BasicCredentials(basic[0].username, new_login().password), *basic)[:KEPT_AT_ONCE]
    if header_tokens:
        header_tokens = (new_header_token(header_tokens[0].name), *header_tokens)[:KEPT_AT_ONCE]
    return WebhookCredentials(basic, header_tokens)


def newest_only(webhook: WebhookCredentials) -> WebhookCredentials:
    """The credentials without those before the newest."""
    return WebhookCredentials(webhook.basic[:1], webhook.header_tokens[:1])


class KeptCredentials(msgspec.Struct, frozen=True):
    """A webhook's credentials as they are found; the last four are those of when one set was valid at a time."""

    basic: tuple[BasicCredentials, ...] = ()
    header_tokens: tuple[HeaderToken, ...] = ()
    username: str | None = None
    password: str | None = None
    header_name: str | None = None
    header_token: str | None = None

    def valid(self) -> WebhookCredentials:
        """All of them, in the form that deliveries are held against."""
        basic, header_tokens = self.basic, self.header_tokens
        if self.username and self.password:
            basic = (*basic, BasicCredentials(self.username, self.password))
        if self.header_name and self.header_token:
            header_tokens = (*header_tokens, HeaderToken(self.header_name, self.header_token))
        return WebhookCredentials(basic, header_tokens)
