"""Every option of Afterword, in one typed place.

An option is read from the environment (``AFTERWORD_PUBLIC_URL``), from a file that the environment names
(``AFTERWORD_SECRET_KEY_FILE``: its content, without the line end), or from the TOML file named by
``AFTERWORD_SETTINGS``; in this order, the first that is set wins. A variable that is empty is not set.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints
from urllib.parse import urlsplit

import msgspec
import platformdirs
from msgspec import Meta

from afterword.outcomes import ConfigurationError

PREFIX = "AFTERWORD_"

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Port = Annotated[int, Meta(ge=0, le=65535)]
MOST = 1_000_000
"""Of seconds, minutes, days and factors: far beyond any use, and not beyond what clocks and databases can hold."""
Positive = Annotated[float, Meta(gt=0, le=MOST)]
BARE_ADDRESS = re.compile(r"""[^\s@<>()\[\],:;"\\]+@[^\s@<>()\[\],:;"\\]+""", re.ASCII)


def default_data_dir() -> Path:
    """Where an installation keeps its files when nothing else is said: the user's data directory."""
    return Path(platformdirs.user_data_dir("afterword", appauthor=False))


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options; each is documented by its ``Meta`` description, which ``afterword settings`` prints."""

    data_dir: Annotated[
        Path, Meta(description="Folder of the embedded database, the secret key and the demo's files.")
    ] = msgspec.field(default_factory=default_data_dir)
    database_url: Annotated[
        str | None,
        Meta(description="PostgreSQL 16 or newer (postgresql://…). Without it the embedded one is used."),
    ] = None
    secret_key: Annotated[
        str | None,
        Meta(
            description="Key that encrypts secrets; several, separated by commas, while one is being rotated "
            "(the first encrypts). Without it, secret.key in the data directory."
        ),
    ] = None
    public_url: Annotated[
        str, Meta(description="Address under which customers and vendors reach Afterword, without a path.")
    ] = "http://127.0.0.1:8700"
    web_host: Annotated[str, Meta(description="Address that the web half listens on.")] = "127.0.0.1"
    web_port: Annotated[Port, Meta(description="Port that the web half listens on.")] = 8700
    smtp_host: Annotated[str, Meta(description="Mail server that takes outgoing mail.")] = "127.0.0.1"
    smtp_port: Annotated[Port, Meta(description="Its port.")] = 25
    smtp_username: Annotated[str | None, Meta(description="User name for the mail server, if it asks.")] = (
        None
    )
    smtp_password: Annotated[str | None, Meta(description="Password for the mail server.")] = None
    smtp_security: Annotated[
        Literal["starttls", "tls", "none"],
        Meta(description="How the connection to the mail server is protected; none is for loopback only."),
    ] = "starttls"
    mail_from: Annotated[str, Meta(description="Address that survey mails come from.")] = "survey@localhost"
    worker_concurrency: Annotated[
        Annotated[int, Meta(ge=1, le=1000)], Meta(description="Runs that one worker works on at once.")
    ] = 100
    worker_heartbeat_timeout: Annotated[
        Annotated[float, Meta(ge=1)],
        Meta(description="Seconds of silence after which a worker's jobs are taken over by another."),
    ] = 10.0
    gladly_requests_per_second: Annotated[
        Positive | None,
        Meta(
            description="Most requests of each HTTP method to a Gladly organisation, shared by all processes. Without "
            "it, the limit that Gladly tells (10 until it does)."
        ),
    ] = None
    gladly_report_rows: Annotated[
        Annotated[int, Meta(ge=1)],
        Meta(
            description="Rows from which on one of Gladly's reports is taken to be cut; it is then read in parts. "
            "Gladly cuts at about 100,000."
        ),
    ] = 95_000
    gladly_pull_seconds: Annotated[
        Positive,
        Meta(
            description="Seconds between two readings of Gladly's list of events, for accounts that have it read in "
            "place of a webhook."
        ),
    ] = 15.0
    backfill_every_minutes: Annotated[
        Positive,
        Meta(description="Minutes between two looks of a worker for closings that were missed."),
    ] = 60.0
    backfill_look_back_hours: Annotated[
        Positive,
        Meta(
            description="Hours that each of these looks goes back further than where the last one ended: Gladly tries "
            "a delivery again for an hour and a half."
        ),
    ] = 3.0
    qualtrics_requests_per_minute: Annotated[
        Positive, Meta(description="Qualtrics' limit for the brand, shared by all processes.")
    ] = 3000.0
    allow_private_addresses: Annotated[
        bool,
        Meta(
            description="Whether host names of vendors and endpoints may lead into private networks; addresses "
            "written as numbers always may, but in a Web service task. For an installation that reaches itself "
            "under a private name."
        ),
    ] = False
    retry_time_scale: Annotated[
        Positive,
        Meta(description="Factor on every wait between two attempts of a task; below 1 only for rehearsals."),
    ] = 1.0
    run_retention_days: Annotated[
        Annotated[int, Meta(ge=0, le=MOST)],
        Meta(
            description="Days that runs are kept after their end, with their events and attempts; 0 keeps them for "
            "ever."
        ),
    ] = 400
    longest_hold_days: Annotated[
        Positive,
        Meta(
            description="Days that a run is held for a connected account, a workflow that is off or a brake; then it "
            "fails."
        ),
    ] = 7.0
    invitations_per_hour: Annotated[
        Annotated[int, Meta(ge=0)],
        Meta(
            description="Invitations that a workflow may send in an hour, where it says nothing itself; what is beyond "
            "is held until somebody lets it go. 0 is no limit."
        ),
    ] = 5000
    invitations_times_usual: Annotated[
        Annotated[float, Meta(ge=0)],
        Meta(
            description="How many times its usual invitations a workflow may send in an hour (100 it always may); what "
            "is beyond is held. 0 is no such limit."
        ),
    ] = 5.0
    account_down_alert_minutes: Annotated[
        Positive,
        Meta(description="Minutes that a connected account may be down before an alert tells of it."),
    ] = 15.0
    alert_email: Annotated[
        str | None, Meta(description="Email addresses that alerts go to, separated by commas.")
    ] = None
    alert_url: Annotated[
        str | None, Meta(description="Address that alerts are posted to as JSON (https://…).")
    ] = None
    alert_secret: Annotated[
        str | None,
        Meta(
            description="Secret that posted alerts are signed with: 24 to 64 bytes in base64, after whsec_ or alone."
        ),
    ] = None
    alerts_per_day: Annotated[
        Annotated[int, Meta(ge=1)],
        Meta(
            description="Alerts that are sent in a day (UTC); what is beyond stands in the next day's summary."
        ),
    ] = 20
    session_days: Annotated[
        Positive, Meta(description="Days after which whoever signed in has to do so again.")
    ] = 14.0
    session_idle_hours: Annotated[
        Positive, Meta(description="Hours without a page after which whoever signed in has to do so again.")
    ] = 72.0
    codes_required: Annotated[
        Literal["nobody", "administrators", "everybody"],
        Meta(
            description="Who has to set one-time codes up to sign in with a password: nobody, owners and "
            "administrators, or everybody."
        ),
    ] = "nobody"
    oidc_issuer: Annotated[
        str | None,
        Meta(
            description="OpenID Connect: the issuer whose people may sign in (https://…), as it names itself."
        ),
    ] = None
    oidc_client_id: Annotated[
        str | None, Meta(description="OpenID Connect: what Afterword is called at the issuer.")
    ] = None
    oidc_client_secret: Annotated[
        str | None, Meta(description="OpenID Connect: its secret there, if it was given one.")
    ] = None
    oidc_name: Annotated[
        str, Meta(description="OpenID Connect: what the button on the sign-in page calls the issuer.")
    ] = "single sign-on"
    oidc_new_people_role: Annotated[
        Literal["administrator", "manager", "analyst"] | None,
        Meta(
            description="OpenID Connect: role of people whom nobody invited. Without it only those come in who were "
            "invited by the email address that the issuer tells."
        ),
    ] = None
    oidc_trust_email: Annotated[
        bool,
        Meta(
            description="OpenID Connect: whether email addresses are taken of an issuer that does not tell whether "
            "they are verified (Microsoft Entra ID). Only where all of them are given by the company itself."
        ),
    ] = False
    oidc_only: Annotated[
        bool,
        Meta(
            description="OpenID Connect: whether all but owners sign in at the issuer alone, and no longer with a "
            "password."
        ),
    ] = False
    oidc_sign_out: Annotated[
        bool,
        Meta(
            description="OpenID Connect: whether who signed in at the issuer and signs out here is signed out there "
            "too, where it can."
        ),
    ] = True
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Least level that is logged.")
    ] = "info"

    def __repr__(self) -> str:
        """Without values: some of them are secret."""
        return "Settings(…)"

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None, **overrides: object) -> "Settings":
        """Read the options; ``overrides`` (from the command line) win over everything.

        Raises:
            ConfigurationError: an option is unknown, unreadable or has a value that it cannot have.
        """
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {**_from_file(environment.get(PREFIX + "SETTINGS") or None)}
        for name in cls.__struct_fields__:
            value = _from_environment(environment, name)
            if value is not None:
                values[name] = value
        values |= {name: value for name, value in overrides.items() if value is not None}
        try:
            settings = msgspec.convert(values, cls, strict=False, dec_hook=_decode)
        except msgspec.ValidationError as error:
            raise ConfigurationError(
                f"settings: {error}. Options are listed by `afterword settings`."
            ) from None
        if settings.smtp_security == "none" and settings.smtp_host not in LOOPBACK:
            raise ConfigurationError(
                "settings: smtp_security none is for a mail server on this machine only; "
                f"{settings.smtp_host} needs starttls or tls."
            )
        _check_public_url(settings.public_url)
        if not settings.mail_from.isascii() or not BARE_ADDRESS.fullmatch(settings.mail_from):
            raise ConfigurationError(
                "settings: mail_from has to be an email address alone, such as survey@afterword.example."
            )
        _check_open_id(settings)
        return settings


def _check_public_url(address: str) -> None:
    """Refuse what cannot stand before a path in a mail.

    Raises:
        ConfigurationError: it is no address, or more than one.
    """
    try:
        parts = urlsplit(address)
        is_one = (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        is_one = False
    if not is_one or "@" in parts.netloc or not all("!" <= letter <= "~" for letter in address):
        raise ConfigurationError(
            "settings: public_url has to be an address such as https://afterword.example, in plain letters."
        )
    if parts.path.strip("/") or "?" in address or "#" in address:
        raise ConfigurationError("settings: public_url has to end with the host or its port, without a path.")


def _check_open_id(settings: Settings) -> None:
    """Refuse half of what OpenID Connect needs.

    Raises:
        ConfigurationError: names what is missing.
    """
    if (settings.oidc_issuer is None) != (settings.oidc_client_id is None):
        raise ConfigurationError("settings: oidc_issuer and oidc_client_id are both needed, or neither.")
    if settings.oidc_only and settings.oidc_issuer is None:
        raise ConfigurationError(
            "settings: oidc_only needs oidc_issuer; else nobody but owners could sign in."
        )


def _from_file(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{PREFIX}SETTINGS: cannot read {path}: {error}") from None


def _from_environment(environment: Mapping[str, str], name: str) -> str | None:
    variable = PREFIX + name.upper()
    value, file = environment.get(variable) or None, environment.get(variable + "_FILE") or None
    if value is not None and file is not None:
        raise ConfigurationError(f"{variable} and {variable}_FILE are both set; keep one of them.")
    if file is None:
        return value
    try:
        content = Path(file).read_text("utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{variable}_FILE: cannot read {file}: {error}") from None
    if not content:
        raise ConfigurationError(f"{variable}_FILE: {file} is empty.")
    return content


def _decode(kind: type, value: object) -> object:
    if kind is Path:
        return Path(str(value)).expanduser()
    raise NotImplementedError


SECRET = frozenset(
    {"secret_key", "smtp_password", "database_url", "alert_url", "alert_secret", "oidc_client_secret"}
)
MASK = "********"


class Option(msgspec.Struct, frozen=True):
    """An option as it is told to people."""

    variable: str
    value: str
    description: str


def describe(settings: Settings) -> list[Option]:
    """Every option with its variable, its value (secrets masked, an unset one empty) and its sentence."""
    hints = get_type_hints(Settings, include_extras=True)
    return [
        Option(PREFIX + name.upper(), _shown(name, getattr(settings, name)), _description(hints[name]))
        for name in Settings.__struct_fields__
    ]


def _shown(name: str, value: object) -> str:
    if value is None:
        return ""
    return MASK if name in SECRET else str(value)


def _description(hint: object) -> str:
    extras = [extra for extra in get_args(hint) if isinstance(extra, Meta) and extra.description]
    return str(extras[-1].description) if extras else ""
