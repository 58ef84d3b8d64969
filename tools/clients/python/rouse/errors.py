"""What can go wrong: one class for every error code of the protocol, and those of the way there.

Every exception of this package is a `RouseError`. Its text is one line that says what happened and what to do.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple, Type

__all__ = [
    "BadJSON", "BadRequest", "Cancelled", "ConfigurationError", "Conflict", "ConnectFailed", "ConnectionLost",
    "DeadlineExceeded", "Diagnostic", "Draining", "DuplicateKey", "Forbidden", "IdleTimeout", "IncompleteLine", "Internal",
    "InvalidInput", "LineTooLong", "NoConnectionFree", "NotAnObject", "NotFound", "Overloaded", "ProtocolError",
    "RateLimited", "RouseError", "ServerError", "ShuttingDown", "StorageFailed", "TLSFailed", "TimedOut", "TooDeep",
    "TooMany", "TransportError", "Unauthenticated", "UnknownCode", "UnknownOp", "error_classes",
]


def printable(text: str) -> str:
    """Text of a server's on one line: control characters are spelled out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


class RouseError(Exception):
    """Any failure. The members are None (or empty) where they do not apply."""

    code: Optional[str] = None
    message: str = ""
    at: Optional[str] = None
    offset: Optional[int] = None
    retry_after_ms: Optional[int] = None
    diagnostics: Tuple[Diagnostic, ...] = ()


# --- What the server answers ---------------------------------------------------------------------------------------


class Diagnostic:
    """One thing that is wrong with a policy's text. `line` and `column` are None for JSON."""

    __slots__ = ("kind", "path", "line", "column", "message", "extra")

    def __init__(self, members: Mapping[str, Any]):
        rest = dict(members)
        self.kind: str = rest.pop("kind", "")
        self.path: str = rest.pop("path", "")
        self.line: Optional[int] = rest.pop("line", None)
        self.column: Optional[int] = rest.pop("column", None)
        self.message: str = rest.pop("message", "")
        self.extra: Dict[str, Any] = rest

    def to_dict(self) -> Dict[str, Any]:
        """The members as they came."""
        return {"kind": self.kind, "path": self.path, "line": self.line, "column": self.column, "message": self.message,
                **self.extra}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Diagnostic) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.path, self.message))

    def __str__(self) -> str:
        where = f"line {self.line}:{self.column}: " if self.line is not None else ""
        path = f"{self.path}: " if self.path else ""
        return printable(f"{where}{path}{self.message}")

    def __repr__(self) -> str:
        return f"Diagnostic({str(self)!r})"


class ServerError(RouseError):
    """The server answered `"ok":false`.

    `closed` says that the code ends the connection. `unread` says that the server had not begun to read the request.
    """

    remedy = "the same request has the same answer"
    closes = False
    unread = False

    def __init__(self, error: Mapping[str, Any], reply: Optional[Mapping[str, Any]] = None):
        code = error.get("code")
        self.code = code if isinstance(code, str) else "internal"
        message = error.get("message")
        self.message = message if isinstance(message, str) else "the server gave no reason"
        at = error.get("at")
        self.at = at if isinstance(at, str) else None
        offset = error.get("offset")
        self.offset = offset if isinstance(offset, int) else None
        pause = error.get("retry_after_ms")
        self.retry_after_ms = pause if isinstance(pause, int) and pause >= 0 else None
        found = error.get("diagnostics")
        self.diagnostics = tuple(Diagnostic(each) for each in found if isinstance(each, dict)) \
            if isinstance(found, list) else ()
        known = {"code", "message", "at", "offset", "retry_after_ms", "diagnostics"}
        self.extra: Dict[str, Any] = {name: value for name, value in error.items() if name not in known}
        self.reply: Dict[str, Any] = dict(reply or {})
        super().__init__(self._text())

    def _text(self) -> str:
        where = f" at {self.at}" if self.at else ""
        if self.offset is not None:
            where += f" (byte {self.offset})"
        found = "".join(f" | {each}" for each in self.diagnostics[:3])
        if len(self.diagnostics) > 3:
            found += f" | and {len(self.diagnostics) - 3} more"
        pause = f" in {self.retry_after_ms} ms" if self.retry_after_ms is not None else ""
        return printable(f"the server answers {self.code}{where}: {self.message}{found}; {self.remedy}{pause}")

    def __reduce__(self) -> Tuple[Any, ...]:
        error: Dict[str, Any] = {"code": self.code, "message": self.message, **self.extra}
        for name in ("at", "offset", "retry_after_ms"):
            if getattr(self, name) is not None:
                error[name] = getattr(self, name)
        if self.diagnostics:
            error["diagnostics"] = [each.to_dict() for each in self.diagnostics]
        return (type(self), (error, self.reply))


class BadJSON(ServerError):
    remedy = "send each request and candidate as one line of JSON in UTF-8"


class DuplicateKey(ServerError):
    remedy = "name each member of an object once"


class NotAnObject(ServerError):
    remedy = "send a JSON object"


class TooDeep(ServerError):
    remedy = "nest objects and lists at most 64 deep"


class UnknownOp(ServerError):
    remedy = "info() lists the ops that this server has"


class Unauthenticated(ServerError):
    remedy = "give cert and key, or a token that the server knows: its operator makes one with rouse-server token add"


class Forbidden(ServerError):
    remedy = "ask the operator for the role that the op needs; info() shows your roles"


class BadRequest(ServerError):
    remedy = "mend the request"


class TooMany(ServerError):
    remedy = "send them as a stream, or in several requests; info() shows the limits"


class NotFound(ServerError):
    remedy = "check the name"


class Conflict(ServerError):
    remedy = "look at what is there, and decide anew: policy.history(), or plans()"


class RateLimited(ServerError):
    remedy = "send it again later"


class Overloaded(ServerError):
    remedy = "send it again later"


class DeadlineExceeded(ServerError):
    remedy = "give it a longer timeout_ms, or fewer candidates"


class Cancelled(ServerError):
    remedy = "send it again if you like"


class StorageFailed(ServerError):
    remedy = "tell the operator; keep what was not acknowledged, and send it with the same keys when the server is sound"


class LineTooLong(ServerError):
    remedy = "send candidates as a stream; info() shows line_bytes"
    closes = True


class IncompleteLine(ServerError):
    remedy = "send it again on another connection, whole"
    closes = True


class IdleTimeout(ServerError):
    remedy = "send it again on another connection, with shorter pauses"
    closes = True


class ShuttingDown(ServerError):
    remedy = "send it again when the server is back, or to another"
    closes = True


class Internal(ServerError):
    remedy = "send it once more, then tell the operator"


class UnknownCode(ServerError):
    """A code that is newer than this client."""

    remedy = "this client does not know the code; do not repeat the request"


_CLASSES: Dict[str, Type[ServerError]] = {
    "bad_json": BadJSON,
    "duplicate_key": DuplicateKey,
    "not_an_object": NotAnObject,
    "too_deep": TooDeep,
    "unknown_op": UnknownOp,
    "unauthenticated": Unauthenticated,
    "forbidden": Forbidden,
    "bad_request": BadRequest,
    "too_many": TooMany,
    "not_found": NotFound,
    "conflict": Conflict,
    "rate_limited": RateLimited,
    "overloaded": Overloaded,
    "deadline_exceeded": DeadlineExceeded,
    "cancelled": Cancelled,
    "storage_failed": StorageFailed,
    "line_too_long": LineTooLong,
    "incomplete_line": IncompleteLine,
    "idle_timeout": IdleTimeout,
    "shutting_down": ShuttingDown,
    "internal": Internal,
}


def error_classes() -> Dict[str, Type[ServerError]]:
    """Code to class, in the protocol's order of precedence."""
    return dict(_CLASSES)


def server_error(reply: Mapping[str, Any]) -> ServerError:
    error = reply.get("error")
    members: Mapping[str, Any] = error if isinstance(error, dict) else {}
    code = members.get("code")
    return _CLASSES.get(code if isinstance(code, str) else "internal", UnknownCode)(members, reply)


def refused(error: Unauthenticated) -> str:
    """Why the token that each connection shows first was not taken."""
    return printable(
        f"the server refuses our token ({error.message}); give one that it knows: its operator makes one with rouse-server "
        "token add")


# --- The way there -------------------------------------------------------------------------------------------------


class TransportError(RouseError):
    """There is no answer, or none that is whole."""

    def __init__(self, message: str):
        self.message = message
        super().__init__(printable(message))


class ConnectFailed(TransportError):
    """No connection came about. Nothing was sent."""


class TLSFailed(TransportError):
    """Somebody answered, but it is not secure to talk to them, or they will not talk to us."""


class ConnectionLost(TransportError):
    """The connection ended before the answer was whole. What the server did with the request is not known."""


class Draining(ConnectionLost):
    """The server said goodbye before it read the request: nothing of it was done."""


class TimedOut(ConnectionLost):
    """Nothing came or went for `timeout` seconds. What the server did with the request is not known."""


class ProtocolError(TransportError):
    """What came is no answer of the protocol."""


class NoConnectionFree(TransportError):
    """All connections of this client were in use for too long. Nothing was sent."""


class ConfigurationError(RouseError):
    """A setting or file of the client's own is wrong."""

    def __init__(self, message: str):
        self.message = message
        super().__init__(printable(message))


class InvalidInput(RouseError, ValueError):
    """A candidate, event or member that cannot be sent. The connection it was to go over is closed."""

    def __init__(self, message: str):
        self.message = message
        super().__init__(printable(message))


