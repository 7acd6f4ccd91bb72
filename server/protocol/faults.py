"""What a client is told when a request cannot be carried out: the one place that turns an error into a status.

W&B's client shows the message of a 4xx at once and retries everything else for minutes, on a file stream for days. So
what is wrong in a request, and what can never be stored, is a 4xx; what may pass (a busy or full disk, a damaged
database that somebody mends) is 503; there is no 500.
"""

import json
import logging
import sqlite3
from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLError
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from server.refusal import RefusalError

log = logging.getLogger(__name__)

# What SQLite says of a value, and Python of one on its way there. No second try makes it fit.
NEVER_STORED: Final = (sqlite3.DataError, sqlite3.InterfaceError, OverflowError, UnicodeError)


@dataclass(frozen=True)
class Answer:
    """A reply's status and JSON body."""

    status: int
    body: dict[str, Any]

    def response(self, headers: dict[str, str] | None = None) -> Response:
        # In ASCII, so that whatever text is stored can be sent.
        text = json.dumps(self.body, allow_nan=False)
        return Response(text, self.status, headers, media_type="application/json")


def told(error: Exception, fault_status: int) -> Answer:
    """The answer to a request that ended in an error; what is no fault of the request is logged.

    Args:
        fault_status: for a fault of our own: 400 where a client would repeat a 503 and hide its reason, 503 where it
            would drop the rest of a run at a 4xx.
    """
    match error:
        case RefusalError():
            return refusal(error.message, error.status)
        case GraphQLError():
            return refusal(error.message, 400)
        case ClientDisconnect():
            return refusal("the client left before its request had ended", 400)
    if isinstance(error, NEVER_STORED):
        log.warning("refused what can never be stored: %s", error)
        return refusal(f"this can never be stored: {error}", 400)
    # SQLite's own class alone is a file that is damaged; its other children are faults of the code.
    if isinstance(error, sqlite3.OperationalError | OSError) or type(error) is sqlite3.DatabaseError:
        log.error("a request could not be carried out", exc_info=error)
        return refusal(f"the server cannot store or read this now: {error}", 503)
    log.error("a request failed", exc_info=error)
    return refusal(f"the server failed at this request ({type(error).__name__}); its log says more", fault_status)


def refusal(message: str, status: int) -> Answer:
    return Answer(status, {"data": None, "errors": [{"message": message}]})
