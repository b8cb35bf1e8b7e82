"""The demo's own certificate for https: made once, trusted by nobody else, kept in the state folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from opsbot.demo import packages
from opsbot.demo.argv import Say, run
from opsbot.demo.state import State, write_private

OPENSSL = {"openssl": "openssl"}
DAYS = "825"  # the longest that browsers accept
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Certificate:
    """PEM texts. `file`: the certificate, for who wants to trust it."""

    certificate: str
    key: str = field(repr=False)
    file: Path


def ensure(state: State, say: Say, address: str = LOOPBACK) -> Certificate:
    """The certificate of this state folder for an engine's address."""
    with state.locked("certificate"):
        folder = state.folder("tls") if address == LOOPBACK else state.folder("tls", address)
        names = ",".join(["DNS:localhost", *(f"IP:{one}" for one in dict.fromkeys([LOOPBACK, address]))])
        certificate, key = folder / "certificate.pem", folder / "key.pem"
        if not certificate.exists():
            packages.ensure(OPENSSL, say)
            draft = folder / "draft.pem"
            write_private(key, run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"]))
            request = ["openssl", "req", "-x509", "-new", "-key", str(key), "-days", DAYS]
            run([*request, "-subj", "/CN=localhost", "-addext", f"subjectAltName={names}", "-out", str(draft)])
            draft.replace(certificate)
        return Certificate(certificate.read_text(), key.read_text(), certificate)
