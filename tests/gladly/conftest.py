"""The sandbox as its own process, for tests that want Gladly rather than faults."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

USERNAME, API_TOKEN = "api.user@sandbox.example", "token-of-the-sandbox"


@dataclass(frozen=True)
class Sandbox:
    """A running Gladly sandbox; ``control`` asks what Gladly's own API cannot."""

    url: str
    username: str = USERNAME
    api_token: str = API_TOKEN

    def control(self, method: str, path: str, body: object = None) -> Any:
        login = b64encode(f"{self.username}:{self.api_token}".encode()).decode()
        request = urllib.request.Request(  # noqa: S310 - our own sandbox
            f"{self.url}/_sandbox/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {login}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            content = answer.read()
        return json.loads(content) if content else None

    def new_customer(self, name: str, email: str) -> tuple[str, str]:
        """A customer who wrote just now, and the conversation that this opened."""
        made = self.control(
            "POST", "inbound-messages", {"customer": {"name": name, "email": email}, "text": "Hello"}
        )
        return made["customerId"], made["conversationId"]


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The Gladly sandbox, without a limit that would matter here."""
    folder: Path = tmp_path_factory.mktemp("sandbox")
    ports = ["--port", "0", "--mail-page-port", "0", "--smtp-port", "0", "--requests-per-second", "1000"]
    with subprocess.Popen(
        [sys.executable, "-m", "afterword_sandbox", "--data-dir", str(folder), "--exit-with-stdin", *ports],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"AFTERWORD_SANDBOX_USERNAME": USERNAME, "AFTERWORD_SANDBOX_API_TOKEN": API_TOKEN},
    ) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        found = re.search(r"http://[\d.:]+", ready)
        assert found, f"the sandbox did not start: {ready!r}"
        yield Sandbox(found.group())
        process.communicate()
