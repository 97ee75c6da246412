"""What the sandbox is started with, and where it is found then."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """The command line's options and the environment's credentials; ports may be 0 for a free one."""

    data_dir: Path
    port: int
    mail_page_port: int
    smtp_port: int
    username: str
    api_token: str = field(repr=False)
    host: str = "127.0.0.1"
    public_url: str | None = None
    requests_per_second: int = 10
    reports_per_minute: int = 10
    resend_delays: tuple[float, ...] = (30.0, 300.0, 1800.0, 3600.0)
    """Seconds before each resend of a webhook; after as many failures more than these the webhook is
    disabled.
    """
    past_days: int = 0
    """Days before the first start of which a new company has a past."""
    exit_with_stdin: bool = False


@dataclass
class Addresses:
    """Where the running sandbox is found; filled while it starts."""

    sandbox_url: str = ""
    mail_url: str = ""
    smtp_port: int = 0
