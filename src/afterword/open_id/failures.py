"""Why nobody could be signed in at the provider."""


class SignInFailed(Exception):
    """Nobody was signed in. ``code`` is for the log and never changes; the text is for who runs the installation.

    Neither holds an address, a token or anything personal.
    """

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words
