"""What is said to a client that asked for something wrong or missing.

W&B's client shows the message of a 4xx at once and retries every 5xx for minutes, so a refusal is a 4xx, unless it is
one for now alone.
"""


class RefusalError(Exception):
    """A request that cannot be carried out as asked; the message is for the person behind the client.

    Args:
        message: what was wrong and what is allowed.
        status: the HTTP status, one that the client does not retry (400, 401, 403, 404, 409, 410, 413, 501).
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class NotFoundError(RefusalError):
    """The thing named does not exist (404)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, status=404)


class BusyError(RefusalError):
    """For now: a 503, which clients send again.

    Attributes:
        again_s: when.
    """

    def __init__(self, message: str, again_s: int) -> None:
        super().__init__(message, status=503)
        self.again_s = again_s
