"""Certificates that no CA of the system has signed."""

import shutil
import ssl
import subprocess
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest


def make(folder: Path, name: str) -> tuple[Path, Path]:
    """Makes a certificate that signs itself, for "DNS:name" or "IP:address"; gives it and its key."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed: it makes the certificate")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=sweeps", "-addext", f"subjectAltName={name}"]
    subprocess.run([*new, "-keyout", key, "-out", certificate, *names], check=True, capture_output=True)
    return certificate, key


def secure(server: ThreadingHTTPServer, certificate: Path, key: Path) -> None:
    """Lets a server that was not started yet speak TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
