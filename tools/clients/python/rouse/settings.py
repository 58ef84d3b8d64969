"""Which server, and as whom: arguments, over a profile's values, over the environment's."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Dict, Optional, Tuple

from .errors import ConfigurationError

__all__ = ["Profile", "Settings"]

_KEYS = ("server", "ca", "cert", "key", "server_name", "token_file")
_LINE = re.compile(r"(?P<key>[A-Za-z_][A-Za-z0-9_]*):(?:[ ]+(?P<value>.*))?\Z")
_MOST = 1 << 20


@dataclass(frozen=True)
class Profile:
    """A client.yaml, as `rouse-server init` makes it. Its paths are relative to it."""

    server: Optional[str] = None
    ca: Optional[str] = None
    cert: Optional[str] = None
    key: Optional[str] = None
    server_name: Optional[str] = None
    token_file: Optional[str] = None

    @classmethod
    def read(cls, path: str) -> Profile:
        folder = os.path.dirname(os.path.abspath(path))
        found: Dict[str, Optional[str]] = {}
        for number, line in enumerate(_text(path, "the profile").split("\n"), 1):
            pair = _pair(line.rstrip("\r"), f"{path}:{number}")
            if pair is None:
                continue
            key, value = pair
            if key not in _KEYS:
                raise ConfigurationError(
                    f"{path}:{number}: a profile has no key '{key}'; its keys are {', '.join(_KEYS)}")
            if key in found:
                raise ConfigurationError(f"{path}:{number}: '{key}' comes twice; take one of them out")
            found[key] = value
        for key in ("ca", "cert", "key", "token_file"):
            value = found.get(key)
            if value is not None:
                found[key] = os.path.join(folder, value)
        return cls(**found)


def _pair(line: str, place: str) -> Optional[Tuple[str, Optional[str]]]:
    """`key: value`, which is all of YAML that a profile needs. None for blank lines and comments."""
    if not line.strip() or line.lstrip().startswith("#") or line == "---":
        return None
    match = _LINE.match(line)
    if match is None:
        raise ConfigurationError(f"{place}: this is not 'key: value'; a profile has one key a line, without indentation")
    value = (match["value"] or "").strip()
    if value[:1] in ("'", '"'):
        quote = value[0]
        end = value.find(quote, 1)
        rest = value[end + 1:]
        if end < 0 or (rest.strip() and not rest.lstrip(" \t").startswith("#")) or rest[:1] == "#" \
                or (quote == '"' and "\\" in value[1:end]) or rest[:1] == quote:
            raise ConfigurationError(f"{place}: this quoted text cannot be read; write it without quotes and escapes")
        return match["key"], value[1:end]
    comment = re.search(r"(?:^|[ \t])#", value)
    if comment:
        value = value[:comment.start()].strip()
    if value[:1] and (value[0] in "[]{}&*!|>%@`," or value.startswith("- ") or re.search(r":(?:[ \t]|$)", value)):
        raise ConfigurationError(f"{place}: a profile's values are plain texts; put this one in quotes")
    return match["key"], None if value in ("", "~", "null") else value


def _text(path: str, what: str) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read(_MOST + 1)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: {what} cannot be read: {error.strerror or error}; check the path and its permissions") from error
    if len(content) > _MOST:
        raise ConfigurationError(f"{path}: {what} is larger than 1 MiB; check that this is the right file")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: {what} is no text in UTF-8; check that this is the right file") from None


def endpoint(address: str) -> Tuple[str, int]:
    """`127.0.0.1:7411`, `[::1]:7411` or `rouse.example:7411`."""
    host, colon, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not colon or not host or re.search(r"[\s\[\]/]", host) or not re.fullmatch(r"[0-9]{1,5}", port) \
            or not 0 < int(port) < 65536:
        raise ConfigurationError(f"'{address}' is not HOST:PORT, such as 127.0.0.1:7411 or [::1]:7411")
    return host, int(port)


def _token(text: str, place: str) -> str:
    """What it holds is never shown: it may be another secret."""
    token = text.strip()
    if not token or len(token.encode("utf-8", "replace")) > 256 or not token.isprintable() or " " in token:
        raise ConfigurationError(f"{place} holds no token; give one as rouse-server token add prints it")
    return token


@dataclass(frozen=True)
class Settings:
    """All that a connection needs."""

    host: str
    port: int
    ca: Optional[str]
    cert: Optional[str]
    key: Optional[str]
    key_password: Optional[str]
    token: Optional[str]
    server_name: str
    connect_timeout: float
    timeout: float

    def __repr__(self) -> str:
        return f"Settings({self.identity})"

    @property
    def identity(self) -> str:
        """Where, and as whom, without secrets."""
        return f"{self.address}, as {'a token' if self.token else 'a certificate' if self.cert else 'nobody'}"

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def make(
        cls, server: Optional[str], *, host: Optional[str], port: Optional[int], profile: Optional[str],
        ca: Optional[str], cert: Optional[str], key: Optional[str], key_password: Optional[str],
        token: Optional[str], token_file: Optional[str], server_name: Optional[str],
        connect_timeout: float, timeout: float,
    ) -> Settings:
        if profile is None and server is None and host is None:
            profile = os.environ.get("ROUSE_PROFILE") or None
        values = Profile.read(os.fspath(profile)) if profile is not None else Profile()
        if host is not None:
            if server is not None:
                raise ConfigurationError("server and host are both given; give one of them")
            if port is None or not 0 < port < 65536:
                raise ConfigurationError("host needs a port between 1 and 65535; rouse-server listens on 7411 unless told")
        else:
            if port is not None:
                raise ConfigurationError("port goes with host; give host too, or server as 'HOST:PORT'")
            address = server or values.server
            if address is None:
                raise ConfigurationError(
                    "no server: give server='HOST:PORT', or profile='client.yaml', or set ROUSE_PROFILE")
            host, port = endpoint(address)
        if connect_timeout <= 0 or timeout <= 0:
            raise ConfigurationError("connect_timeout and timeout are seconds above 0")
        cert, key = cert or values.cert, key or values.key
        if (cert is None) != (key is None):
            raise ConfigurationError("cert and key go together; give both files, or neither")
        if token is not None:
            token = _token(token, "token")
        elif token_file is not None:
            token = _token(_text(token_file, "the token's file"), token_file)
        elif os.environ.get("ROUSE_TOKEN"):
            token = _token(os.environ["ROUSE_TOKEN"], "ROUSE_TOKEN")
        elif values.token_file is not None:
            token = _token(_text(values.token_file, "the token's file"), values.token_file)
        return cls(
            host=host, port=port, ca=ca or values.ca, cert=cert, key=key, key_password=key_password, token=token,
            server_name=server_name or values.server_name or host, connect_timeout=connect_timeout, timeout=timeout)
