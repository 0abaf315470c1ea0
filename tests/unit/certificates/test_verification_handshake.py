"""Serving and handshake: what a client would say, and that a bad pair touches nothing."""

import datetime as dt
import os
import re
import ssl
import stat
from pathlib import Path
from typing import Any

import pytest

from certs import bundle, rotation
from certs.contents import Contents
from tests.unit.certificates.cluster import HOST
from tests.unit.certificates.conftest import POLICY, sample
from webhook.certificates import CertificateError, verification
from webhook.certificates.serving import ServingContext
from webhook.certificates.verification import handshake_error
from webhook.metrics import Metrics

NOW = dt.datetime.now(dt.UTC)
STRANGER = rotation.create(POLICY, NOW)


def serve(serving: ServingContext, contents: Contents) -> bytes:
    """Serve a leaf; return the bundle that verifies it."""
    serving.use(contents.leaf.certificate_pem, contents.leaf.key_pem)
    return bundle.write(contents.authorities)


@pytest.mark.parametrize("host", [HOST, "127.0.0.1", "::1"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_good_pair_is_accepted(
    serving: ServingContext, contents: Contents, host: str, version: ssl.TLSVersion
) -> None:
    """A client that trusts the authority accepts the leaf for its name and its addresses."""
    pem = serve(serving, contents)
    assert serving.context.current is not None
    serving.context.current.minimum_version = version
    serving.context.current.maximum_version = version
    assert handshake_error(serving.context, pem, host) == ""


def test_bundle_may_hold_more(serving: ServingContext, contents: Contents) -> None:
    """Other authorities, the same one twice and text in any language harm nobody."""
    pem, other = serve(serving, contents), bundle.write(STRANGER.authorities)
    for more in (other + pem, pem + other, pem + pem, "# für uns\n".encode() + pem):
        assert handshake_error(serving.context, more, HOST) == ""


def test_no_bundle_means_the_authorities_of_the_system(
    serving: ServingContext, contents: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They count where the configuration names none, and only there."""
    (tmp_path / "system.crt").write_bytes(serve(serving, contents))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.crt"))
    assert handshake_error(serving.context, b"", HOST) == ""
    assert handshake_error(serving.context, bundle.write(STRANGER.authorities), HOST) != ""


@pytest.mark.parametrize(
    ("pem", "host", "why"),
    [
        (None, "other.source-ip.svc", "Hostname mismatch"),
        (None, "10.0.0.1", "IP address mismatch"),
        (bundle.write(STRANGER.authorities), HOST, "certificate signature failure|unable to get"),
        (b"hello", HOST, "the bundle is no PEM"),
        (b"\xff\xfe", HOST, "the bundle is no PEM"),
        (bundle.write(STRANGER.authorities).rstrip() * 2, HOST, "the bundle is no PEM"),
        (None, "", "server_hostname cannot be an empty string"),
        (b"", HOST, "unable to get local issuer"),
    ],
)
def test_objection_is_said(
    serving: ServingContext, contents: Contents, pem: bytes | None, host: str, why: str
) -> None:
    """Whatever makes a client refuse is found before one does; no bundle: the system's."""
    good = serve(serving, contents)
    found = handshake_error(serving.context, good if pem is None else pem, host)
    assert re.search(why, found), found


@pytest.mark.parametrize("away", [-2 * POLICY.leaf_lifetime, dt.timedelta(hours=2)])
def test_dates_are_not_the_handshakes_business(serving: ServingContext, away: dt.timedelta) -> None:
    """OpenSSL would compare them with this node's clock; whether the leaf is in date is told."""
    made = rotation.create(POLICY, NOW + away)
    pem = serve(serving, made)
    assert handshake_error(serving.context, pem, HOST) == ""
    assert not serving.in_date(NOW)
    assert serving.in_date(NOW + away)


def test_nothing_is_served_at_first(serving: ServingContext, contents: Contents) -> None:
    """Before there is a pair a handshake fails, without noise and without hanging."""
    pem = bundle.write(contents.authorities)
    assert handshake_error(serving.context, pem, HOST)
    assert not serving.in_date(NOW)


def test_handshake_that_never_ends_is_no_good_one(
    serving: ServingContext, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two sides that wait for each other are given up."""
    pem = serve(serving, contents)
    monkeypatch.setattr(verification, "_ROUNDS", 1)
    assert handshake_error(serving.context, pem, HOST) == "no handshake"


@pytest.mark.parametrize(
    ("chain", "key", "why"),
    [
        ("leaf", "stranger", "key values mismatch"),
        ("leaf", "none", "no PEM|no start line"),
        ("none", "leaf", "no PEM|no start line"),
        ("old label", "leaf", "no PEM certificate"),
    ],
)
def test_bad_pair_touches_nothing(
    serving: ServingContext, contents: Contents, chain: str, key: str, why: str
) -> None:
    """What is being served goes on, and the reason is in words."""
    pem = serve(serving, contents)
    before = serving.leaf
    old = contents.leaf.certificate_pem.replace(b" CERTIFICATE", b" X509 CERTIFICATE")
    chains = {"leaf": contents.leaf.certificate_pem, "none": b"", "old label": old}
    keys = {"leaf": contents.leaf.key_pem, "stranger": STRANGER.leaf.key_pem, "none": b""}
    with pytest.raises(CertificateError, match=f"(?i){why}"):
        serving.use(chains[chain], keys[key])
    assert serving.leaf is before
    assert handshake_error(serving.context, pem, HOST) == ""


def test_expiry_is_a_metric(serving: ServingContext, contents: Contents, metrics: Metrics) -> None:
    """When the leaf in use expires can be alerted on."""
    serve(serving, contents)
    expires = contents.leaf.certificate.not_valid_after_utc.timestamp()
    name = "certificate_not_after_timestamp_seconds"
    assert sample(metrics, name, certificate="serving") == expires


def test_key_touches_no_disk(
    serving: ServingContext, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Linux the pair is loaded from memory."""
    loaded = paths_of_loads(monkeypatch)
    serve(serving, contents)
    assert [path.rpartition("/")[0] for path, _ in loaded] == ["/proc/self/fd"]


def test_key_is_private_where_there_is_no_such_memory(
    serving: ServingContext, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere the pair is in a file for the owner only, and only for as long as it is read."""
    monkeypatch.delattr(os, "memfd_create")
    loaded = paths_of_loads(monkeypatch)
    pem = serve(serving, contents)
    ((path, mode),) = loaded
    assert mode == 0o600
    assert not Path(path).exists()
    assert handshake_error(serving.context, pem, HOST) == ""


def paths_of_loads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Note from which path a pair is loaded, and with which mode."""
    loaded = []
    load = ssl.SSLContext.load_cert_chain

    def noted(context: ssl.SSLContext, path: str, **others: Any) -> None:
        loaded.append((path, stat.S_IMODE(Path(path).stat().st_mode)))
        load(context, path, **others)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", noted)
    return loaded
