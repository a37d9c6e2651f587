"""Status codes of gRPC and HTTP, and the error that carries one. No TensorFlow.

Codes are those of gRPC and TF Serving; the HTTP status of each follows the table of
TF Serving (`model_servers/http_server.cc`, `ToHTTPStatusCode`).
"""

CODES = {
    "OK": 0,
    "CANCELLED": 1,
    "UNKNOWN": 2,
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
    "OUT_OF_RANGE": 11,
    "UNIMPLEMENTED": 12,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "DATA_LOSS": 15,
    "UNAUTHENTICATED": 16,
}
"""Name → number, as in `google.rpc.Code`, TensorFlow and gRPC."""

HTTP = {
    "OK": 200,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
    "UNAUTHENTICATED": 401,
}
"""Name → HTTP status."""


class StatusError(Exception):
    """A request that failed with a status code.

    Args:
        code: one of `CODES`.
        message: what is wrong, for the client.
    """

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code, self.message = code, message


def invalid(message: str) -> StatusError:
    """An INVALID_ARGUMENT error: a retry of the same request cannot succeed."""
    return StatusError("INVALID_ARGUMENT", message)


def name_of(number: int) -> str:
    """The name of a code.

    Example:
    >>> name_of(5)
    'NOT_FOUND'
    """
    return next((name for name, each in CODES.items() if each == number), "UNKNOWN")
