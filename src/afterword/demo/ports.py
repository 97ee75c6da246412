"""The demo's ports."""

import contextlib
import errno
import socket

import msgspec

from afterword.outcomes import ConfigurationError

HOST = "127.0.0.1"
DEFAULT_BASE = 8700
HIGHEST_BASE = 65535 - 25


class Ports(msgspec.Struct, frozen=True):
    """Where the demo listens, all on loopback."""

    web: int
    sandbox: int
    mail_page: int
    smtp: int

    @classmethod
    def from_base(cls, base: int) -> "Ports":
        """The ports that the docs name: N, N+1, N+2 and N+25.

        Raises:
            ConfigurationError: there are no such ports.
        """
        if not 1 <= base <= HIGHEST_BASE:
            raise ConfigurationError(f"--port-base takes 1 to {HIGHEST_BASE}, not {base}.")
        return cls(base, base + 1, base + 2, base + 25)

    @classmethod
    def free(cls) -> "Ports":
        """Four ports that nobody listens on now."""
        with contextlib.ExitStack() as stack:
            return cls(*(stack.enter_context(_bound(0)).getsockname()[1] for _ in range(4)))

    def refuse_if_taken(self) -> None:
        """Find out before anything is started whether somebody else listens.

        Raises:
            ConfigurationError: names the port that is taken, or that may not be used.
        """
        for port in (self.web, self.sandbox, self.mail_page, self.smtp):
            try:
                _bound(port).close()
            except OSError as error:
                why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
                raise ConfigurationError(
                    f"Port {port} {why}. Stop what listens there, or choose other ports with --port-base."
                ) from None


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((HOST, port))
    except OSError:
        bound.close()
        raise
    return bound
