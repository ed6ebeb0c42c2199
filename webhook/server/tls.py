"""The server's TLS: the one place that makes an SSLContext.

A server keeps the context it is given for good, while certificates come and go. So the context
that it holds has no certificate at all: at every handshake it hands over to one that was made,
whole, for the pair in force (``sni_callback``, which OpenSSL calls with and without a server
name). Replacing the pair is one assignment, from any thread. Calling ``load_cert_chain`` on the
context in use is not: between certificate and key a handshake finds no usable pair (measured:
a quarter of the handshakes failed while another thread did so, and none this way).

Sessions are not resumed: the API server never asks to, and a resumed session would go on with a
replaced certificate, or a client CA that is no longer trusted.
"""

import os
import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from certs.errors import CertificateError
from certs.files import Contents, ServingFiles, inspect_contents, read_pem, read_serving
from certs.inspect import ServingPair, check_validity, show_time
from certs.pem import encode_certificates, parse_certificates

# Forward secrecy and AEAD; TLS 1.3 has nothing else. Every kube-apiserver offers these.
_TLS12_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Served:
    """One pair in force, with the bytes it came from and the context made for it."""

    contents: Contents
    client_ca_pem: bytes
    pair: ServingPair
    context: ssl.SSLContext


class ServingContext:
    """The certificate files of a running server, and the context that serves them.

    Give ``context`` to the server once; call ``refresh`` every few seconds. A new pair that cannot
    be used (half-written, damaged, not signed by the CA beside it, expired) changes nothing but
    ``problem``, a sentence for log and readiness, and is tried again at the next call.
    """

    def __init__(
        self, files: ServingFiles, *, now: datetime, client_ca: Path | None = None
    ) -> None:
        """Load the pair; raises CertificateError when it cannot be served at all.

        An expired pair is loaded, but not ``ready``: a server that waits for its renewal comes
        back sooner than one that restarts in growing intervals. With ``client_ca`` only clients
        with a certificate from it get through the handshake.
        """
        self._files = files
        self._client_ca = client_ca
        self._served = self._load(*self._read())
        self.context: Final = _new_context(verify_clients=client_ca is not None)
        self.context.sni_callback = self._hand_over
        self.problem = self._time_problem(now)

    @property
    def not_after(self) -> datetime:
        """When the certificate that is served ends."""
        return self._served.pair.cert.not_after

    @property
    def ca_not_after(self) -> datetime | None:
        """When the CA that signed it ends; None when there is no bundle beside the pair."""
        ca = self._served.pair.ca
        return ca.not_after if ca else None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate that is served."""
        return self._served.pair.cert.fingerprint

    def ready(self, now: datetime) -> bool:
        """False only when the certificate that is served has expired."""
        return now <= self.not_after

    def hook(self, _config: object, _default: object) -> ssl.SSLContext:
        """``context`` for gunicorn's ``ssl_context`` and uvicorn's ``ssl_context_factory``."""
        return self.context

    def refresh(self, now: datetime) -> bool:
        """Look at the files; True when what they hold has been taken over. Never raises for them.

        What the files contain decides, not their times: symlink swaps, renames and writes in
        place are all seen, and reading three small files costs less than a tenth of a millisecond.
        """
        try:
            changed = self._adopt(*self._read(), now)
        except CertificateError as error:
            self.problem = (
                f"{error} (still serving the one that ends at {show_time(self.not_after)})"
            )
            return False
        self.problem = self._time_problem(now)
        return changed

    def _adopt(self, contents: Contents, client_ca_pem: bytes, now: datetime) -> bool:
        served = self._served
        if (contents, client_ca_pem) == (served.contents, served.client_ca_pem):
            return False
        loaded = self._load(contents, client_ca_pem)
        if _in_time(served.pair, now):
            check_validity(loaded.pair.cert, now, label=str(self._files.cert))
        self._served = loaded
        return True

    def _time_problem(self, now: datetime) -> str | None:
        try:
            check_validity(self._served.pair.cert, now, label=str(self._files.cert))
        except CertificateError as error:
            return str(error)
        return None

    def _read(self) -> tuple[Contents, bytes]:
        client_ca_pem = read_pem(self._client_ca) if self._client_ca else b""
        return read_serving(self._files), client_ca_pem

    def _load(self, contents: Contents, client_ca_pem: bytes) -> _Served:
        """Everything that can fail happens here, before anything is replaced."""
        pair = inspect_contents(contents, self._files)
        context = _new_context(verify_clients=self._client_ca is not None)
        _load_pair(context, pair, label=str(self._files.cert))
        if self._client_ca:
            trusted = encode_certificates(parse_certificates(client_ca_pem, str(self._client_ca)))
            context.load_verify_locations(cadata=trusted.decode("ascii"))
        return _Served(contents=contents, client_ca_pem=client_ca_pem, pair=pair, context=context)

    def _hand_over(
        self, connection: ssl.SSLObject, _server_name: str | None, _context: ssl.SSLContext
    ) -> None:
        connection.context = self._served.context


def _new_context(*, verify_clients: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_TLS12_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.num_tickets = 0
    context.verify_mode = ssl.CERT_REQUIRED if verify_clients else ssl.CERT_NONE
    return context


def _load_pair(context: ssl.SSLContext, pair: ServingPair, *, label: str) -> None:
    """Load the bytes that were inspected: OpenSSL only takes paths, and this one is in memory."""
    handle = os.memfd_create("tls", os.MFD_CLOEXEC)
    try:
        with open(handle, "wb", closefd=False) as file:
            file.write(pair.pem)
        context.load_cert_chain(f"/proc/self/fd/{handle}")
    except ssl.SSLError as error:
        problem = f"OpenSSL refuses it ({error.reason}); expected one that it can serve"
        raise CertificateError(label, problem) from error
    finally:
        os.close(handle)


def _in_time(pair: ServingPair, now: datetime) -> bool:
    return pair.cert.not_before <= now <= pair.cert.not_after
