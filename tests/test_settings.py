"""Settings: from the environment, from files, from TOML."""

from pathlib import Path

import pytest

from afterword.outcomes import ConfigurationError
from afterword.settings import Settings


def test_without_anything_said_the_defaults_hold() -> None:
    settings = Settings.load({})
    assert settings.web_port == 8700
    assert settings.database_url is None
    assert settings.data_dir.name == "afterword"


def test_an_option_is_read_from_the_environment() -> None:
    settings = Settings.load({"AFTERWORD_WEB_PORT": "9000", "AFTERWORD_GLADLY_REQUESTS_PER_SECOND": "2.5"})
    assert (settings.web_port, settings.gladly_requests_per_second) == (9000, 2.5)


def test_a_secret_is_read_from_the_file_that_the_environment_names(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hush\n")
    settings = Settings.load({"AFTERWORD_SMTP_PASSWORD_FILE": str(tmp_path / "password")})
    assert settings.smtp_password == "hush"


def test_a_variable_that_is_empty_is_not_set() -> None:
    """Compose files and environment files write so what is left out."""
    empty = dict.fromkeys(("AFTERWORD_DATABASE_URL", "AFTERWORD_WEB_PORT", "AFTERWORD_SETTINGS"), "")
    settings = Settings.load(empty | {"AFTERWORD_SMTP_PASSWORD_FILE": "", "AFTERWORD_SMTP_PASSWORD": "hush"})
    assert (settings.database_url, settings.web_port, settings.smtp_password) == (None, 8700, "hush")


def test_a_file_that_is_empty_holds_no_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    with pytest.raises(ConfigurationError, match="key is empty"):
        Settings.load({"AFTERWORD_SECRET_KEY_FILE": str(tmp_path / "key")})


def test_the_environment_wins_over_the_settings_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    (tmp_path / "afterword.toml").write_text('web_port = 1\nweb_host = "::1"\nsmtp_port = 2\n')
    environment = {
        "AFTERWORD_SETTINGS": str(tmp_path / "afterword.toml"),
        "AFTERWORD_WEB_PORT": "3",
        "AFTERWORD_SMTP_PORT": "4",
    }
    settings = Settings.load(environment, smtp_port=5)
    assert (settings.web_host, settings.web_port, settings.smtp_port) == ("::1", 3, 5)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"AFTERWORD_WEB_PORT": "http"}, "web_port"),
        ({"AFTERWORD_WEB_PORT": "70000"}, "web_port"),
        ({"AFTERWORD_SMTP_SECURITY": "ssl"}, "smtp_security"),
        ({"AFTERWORD_SMTP_SECURITY": "none", "AFTERWORD_SMTP_HOST": "mail.example.com"}, "this machine only"),
        ({"AFTERWORD_PUBLIC_URL": "afterword.example"}, "https://afterword.example"),
        ({"AFTERWORD_PUBLIC_URL": "https://"}, "https://afterword.example"),
        ({"AFTERWORD_PUBLIC_URL": "https://a.example:port"}, "https://afterword.example"),
        ({"AFTERWORD_PUBLIC_URL": "https://a:b@a.example"}, "https://afterword.example"),
        ({"AFTERWORD_PUBLIC_URL": "https://a.example\nX: y"}, "https://afterword.example"),
        ({"AFTERWORD_PUBLIC_URL": "https://a.example/afterword"}, "without a path"),
        ({"AFTERWORD_PUBLIC_URL": "https://a.example/?a"}, "without a path"),
        ({"AFTERWORD_MAIL_FROM": "Survey <survey@a.example>"}, "mail_from"),
        ({"AFTERWORD_MAIL_FROM": "nobody"}, "mail_from"),
        ({"AFTERWORD_MAIL_FROM": "survey@a.example\nBcc: x@y.example"}, "mail_from"),
        ({"AFTERWORD_SESSION_DAYS": "1e12"}, "session_days"),
        ({"AFTERWORD_RETRY_TIME_SCALE": "inf"}, "retry_time_scale"),
        ({"AFTERWORD_RUN_RETENTION_DAYS": "99999999999"}, "run_retention_days"),
        ({"AFTERWORD_SECRET_KEY": "a", "AFTERWORD_SECRET_KEY_FILE": "b"}, "AFTERWORD_SECRET_KEY_FILE"),
        ({"AFTERWORD_SECRET_KEY_FILE": "/nowhere/key"}, "/nowhere/key"),
        ({"AFTERWORD_SETTINGS": "/nowhere/afterword.toml"}, "/nowhere/afterword.toml"),
    ],
)
def test_an_odd_value_is_refused_and_the_option_named(environment: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Settings.load(environment)


def test_an_unknown_option_in_the_settings_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "afterword.toml").write_text("web_prot = 1\n")
    with pytest.raises(ConfigurationError, match="web_prot"):
        Settings.load({"AFTERWORD_SETTINGS": str(tmp_path / "afterword.toml")})
