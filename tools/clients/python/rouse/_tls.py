"""TLS as the protocol wants it, and what its failures mean. Certificates are always verified."""

from __future__ import annotations

import os
import socket
import ssl

from .errors import ConfigurationError, ConnectFailed, ConnectionLost, RouseError, TLSFailed
from .settings import Settings

ALPN = "rouse/1"


def context(settings: Settings) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies certificates and host names
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols([ALPN])
    if settings.ca is not None:
        _readable(settings.ca, "the CA file")
        try:
            made.load_verify_locations(cafile=settings.ca)
        except (ssl.SSLError, OSError):
            raise ConfigurationError(f"{settings.ca}: no certificate in PEM can be read from it; give the CA's file") from None
    else:
        made.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if settings.cert is not None and settings.key is not None:
        _readable(settings.cert, "the client certificate")
        _readable(settings.key, "the private key")
        try:
            # A password is always given, or OpenSSL would ask for one on the terminal.
            made.load_cert_chain(settings.cert, settings.key, password=settings.key_password or "")
        except ssl.SSLError as error:
            what = str(error)
            if "KEY_VALUES_MISMATCH" in what or "key values mismatch" in what:
                hint = "the key is not that of the certificate; give the key that was made with it"
            elif _encrypted(settings.key):
                hint = "the key is encrypted and key_password does not open it; give the right one"
            else:
                hint = "they are not a certificate and its key in PEM; give the files that were issued together"
            raise ConfigurationError(f"{settings.cert}, {settings.key}: {hint}") from None
        except (OSError, ValueError):
            raise ConfigurationError(
                f"{settings.cert}, {settings.key}: they are not a certificate and its key in PEM; give the files that were "
                "issued together") from None
    return made


def _readable(path: str, what: str) -> None:
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"{path}: {what} cannot be read: {error.strerror or error}; check the path and its permissions") from None
    if os.path.isdir(path):
        raise ConfigurationError(f"{path}: {what} is a folder; give a file")


def _encrypted(path: str) -> bool:
    with open(path, "rb") as file:
        return b"ENCRYPTED" in file.read(1 << 16)


def explain(error: BaseException, settings: Settings, connecting: bool) -> RouseError:
    """An exception of the socket or of OpenSSL, as one of ours. `connecting`: nothing was sent yet."""
    where = settings.address
    if isinstance(error, RouseError):
        return error
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        if connecting:
            return ConnectFailed(f"{where} hung up during the TLS handshake; check host and port")
        return ConnectionLost(f"the connection to {where} broke off before the answer was whole; send it again")
    if isinstance(error, ssl.SSLCertVerificationError):
        return TLSFailed(f"{where}: {_unverified(error, settings)}")
    if isinstance(error, ssl.CertificateError):
        return TLSFailed(f"{where}: {_wrong_name(str(error), settings)}")
    if isinstance(error, ssl.SSLError):
        return TLSFailed(f"{where}: {_refused(error)}")
    if isinstance(error, socket.gaierror):
        return ConnectFailed(f"cannot find the host '{settings.host}'; check its name")
    if isinstance(error, (socket.timeout, TimeoutError)):
        return ConnectFailed(f"{where} did not answer within {settings.connect_timeout:g} s; check host and port")
    if isinstance(error, ConnectionResetError) and connecting:
        return ConnectFailed(f"{where} hung up during the TLS handshake; check host and port")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
    if connecting:
        return ConnectFailed(f"cannot connect to {where}: {reason}; is the server running there?")
    return ConnectionLost(f"the connection to {where} broke off before the answer was whole: {reason}; send it again")


def _wrong_name(reason: str, settings: Settings) -> str:
    return (f"the server's certificate is not for '{settings.server_name}' ({reason}); connect by a name that it carries, "
            "or give that name as server_name")


def _unverified(error: ssl.SSLCertVerificationError, settings: Settings) -> str:
    reason = error.verify_message or str(error)
    if "expired" in reason:
        return f"the server's certificate has expired ({reason}); renew it on the server"
    if "not yet valid" in reason:
        return f"the server's certificate is not valid yet ({reason}); check both clocks"
    if "mismatch" in reason or "doesn't match" in reason or "not valid for" in reason:
        return _wrong_name(reason, settings)
    if any(word in reason for word in ("Key Identifier", "key usage", "marked critical", "keyCertSign", "purpose")):
        return ("the server's certificate, or its authority's, lacks what the standard asks for "
                f"({reason}); issue it anew, such as with rouse-server init")
    return f"the server's certificate comes from an authority that is not trusted ({reason}); give its CA file as ca"


def _refused(error: ssl.SSLError) -> str:
    reason = (error.reason or str(error) or "no reason given").replace("_", " ").lower()

    def has(*words: str) -> bool:
        return any(word in reason for word in words)

    if has("alert certificate required", "alert handshake failure"):
        return f"the server wants a client certificate ({reason}); give cert and key"
    if has("alert certificate revoked"):
        return f"our certificate has been revoked ({reason}); have a new one issued"
    if has("alert certificate expired"):
        return f"our certificate has expired ({reason}); renew it"
    if has("alert certificate unknown"):
        return f"the server cannot check our certificate ({reason}); ask its operator: rouse-server check says why"
    if has("alert unknown ca", "alert bad certificate", "alert unsupported certificate"):
        return f"the server refuses our certificate ({reason}); give one that it trusts as cert and key"
    if has("no application protocol"):
        return f"what listens there speaks TLS, and not {ALPN}; check host and port"
    if has("wrong version number", "packet length too long", "http request", "unknown protocol", "record layer failure"):
        return f"what listens there does not speak TLS ({reason}); check host and port"
    if has("alert protocol version", "unsupported protocol"):
        return f"the server and we have no version of TLS in common ({reason}); let it speak TLS 1.3 or 1.2"
    return f"TLS failed: {reason}; check host, port and certificates"
