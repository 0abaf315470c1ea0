"""Who may call: holders of a certificate of the named authority, for a name that was named."""

import asyncio
import contextlib
import datetime as dt
import errno
import ssl
from pathlib import Path

import anyio
import pytest
import trustme
from structlog.typing import EventDict

from certs.contents import CERTIFICATE, KEY, Contents, write_files
from tests.unit.certificates.cluster import HOST, FakeBundles, FakeSecret
from tests.unit.certificates.conftest import POLICY, sample
from tests.unit.certificates.test_verification_handshake import serve
from tests.waiting import until
from webhook.certificates import Certificate, CertificateError, serving, verification
from webhook.certificates.files import FileCertificate
from webhook.certificates.managed import ManagedCertificate
from webhook.certificates.serving import ClientAuthentication, ServingContext, WrongNameError
from webhook.certificates.verification import handshake_error
from webhook.metrics import Metrics
from webhook.settings import CertificateFiles, ClientCertificates, Managed

AUTHORITY, OTHER = trustme.CA(), trustme.CA()
BELOW = AUTHORITY.create_child_ca()
EXPIRED = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of the authorities."""
    AUTHORITY.cert_pem.write_to_path(tmp_path / "clients.crt")
    return tmp_path / "clients.crt"


def of(file: Path, metrics: Metrics, *names: str) -> ClientAuthentication:
    """Make the clients of a file."""
    return ClientAuthentication(
        ClientCertificates(authorities=file, names=frozenset(names)), metrics
    )


def why_not(serving: ServingContext, pem: bytes, leaf: trustme.LeafCert | None) -> str:
    """Connect with a certificate; tell why the server refuses."""
    client = ssl.create_default_context(cadata=pem.decode())
    if leaf is not None:
        leaf.configure_cert(client)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = serving.context.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname=HOST)
    for _ in range(4):
        with contextlib.suppress(ssl.SSLWantReadError):
            theirs.do_handshake()
        try:
            ours.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except WrongNameError as error:
            return str(error)
        except ssl.SSLCertVerificationError as error:
            return str(error.verify_message)
        except ssl.SSLError as error:
            return str(error.reason)
        return ""
    raise AssertionError


@pytest.mark.parametrize(
    ("names", "leaf", "why"),
    [
        ([], AUTHORITY.issue_cert("x"), ""),
        (["kube-apiserver"], AUTHORITY.issue_cert("x", common_name="kube-apiserver"), ""),
        (["a", "kube-apiserver"], AUTHORITY.issue_cert("kube-apiserver"), ""),
        (["10.0.0.1"], AUTHORITY.issue_cert("10.0.0.1"), ""),
        (["x"], BELOW.issue_cert("x"), ""),
        (["x"], AUTHORITY.issue_cert("y", common_name="z"), "its certificate is for y, z"),
        (["x"], AUTHORITY.issue_cert("x.y"), "its certificate is for x.y"),
        (["X"], AUTHORITY.issue_cert("x"), "its certificate is for x"),
        ([], None, "PEER_DID_NOT_RETURN_A_CERTIFICATE"),
        ([], OTHER.issue_cert("x"), "unable to get local issuer certificate"),
        (["x"], OTHER.issue_cert("x"), "unable to get local issuer certificate"),
        ([], AUTHORITY.issue_cert("x", not_after=EXPIRED), "certificate has expired"),
    ],
)
def test_clients_are_told_apart_in_the_handshake(  # noqa: PLR0917  the columns of the table
    file: Path,
    contents: Contents,
    metrics: Metrics,
    names: list[str],
    leaf: trustme.LeafCert,
    why: str,
) -> None:
    """By their authority, their time, and their name, which has to be the same in full."""
    serving = ServingContext(metrics, of(file, metrics, *names))
    pem = serve(serving, contents)

    assert why_not(serving, pem, leaf) == why


def test_authority_need_not_be_a_root(file: Path, contents: Contents, metrics: Metrics) -> None:
    """What was named is trusted, and nothing above it."""
    BELOW.cert_pem.write_to_path(file)
    serving = ServingContext(metrics, of(file, metrics))
    pem = serve(serving, contents)

    assert why_not(serving, pem, BELOW.issue_cert("x")) == ""
    assert why_not(serving, pem, AUTHORITY.issue_cert("x")) != ""


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_own_handshake_goes_on_without_a_certificate(
    file: Path,
    contents: Contents,
    metrics: Metrics,
    monkeypatch: pytest.MonkeyPatch,
    version: ssl.TLSVersion,
) -> None:
    """Readiness asks whether clients accept our certificate, not whether we accept one of ours."""
    serving = ServingContext(metrics, of(file, metrics, "kube-apiserver"))
    pem = serve(serving, contents)
    made = verification.client_context

    def limited(trusted: bytes) -> ssl.SSLContext:
        context = made(trusted)
        context.maximum_version = version
        return context

    monkeypatch.setattr(verification, "client_context", limited)

    assert handshake_error(serving.context, pem, HOST) == ""
    assert handshake_error(serving.context, AUTHORITY.cert_pem.bytes(), HOST) != ""


@pytest.mark.anyio
async def test_another_file_counts_from_the_next_handshake_on(
    file: Path,
    contents: Contents,
    metrics: Metrics,
    log: list[EventDict],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is looked at again and again; the authority before is not trusted any more."""
    monkeypatch.setattr(serving, "_POLL", 0.001)
    watched = of(file, metrics)
    served = ServingContext(metrics, watched)
    pem = serve(served, contents)
    async with anyio.create_task_group() as group:
        group.start_soon(watched.run)
        OTHER.cert_pem.write_to_path(file)
        await until(lambda: why_not(served, pem, OTHER.issue_cert("x")) == "")
        group.cancel_scope.cancel()

    assert why_not(served, pem, AUTHORITY.issue_cert("x")) != ""
    assert [event["event"] for event in log] == ["client-authorities-reloaded"]
    assert sample(metrics, "certificate_reloads_total", result="success") == 1


def test_bad_file_changes_nothing_and_is_complained_about_once(
    file: Path, contents: Contents, metrics: Metrics, log: list[EventDict]
) -> None:
    """Whoever may call may go on calling."""
    watched = of(file, metrics)
    serving = ServingContext(metrics, watched)
    pem = serve(serving, contents)
    for content in (b"", b"", None, None, AUTHORITY.cert_pem.bytes()):
        if content is None:
            file.unlink(missing_ok=True)
        else:
            file.write_bytes(content)
        watched.reload()

    assert why_not(serving, pem, AUTHORITY.issue_cert("x")) == ""
    assert [event["event"] for event in log] == ["client-authorities-not-reloaded"] * 2
    assert sample(metrics, "certificate_reloads_total", result="failure") == 2
    assert sample(metrics, "certificate_reloads_total", result="success") == 0


def test_failure_to_take_authorities_is_tried_again(file: Path, metrics: Metrics) -> None:
    """Those of before would otherwise stay trusted, since the file does not change once more."""
    watched = of(file, metrics)
    taken = []

    def fail_once() -> None:
        taken.append(1)
        if len(taken) == 1:
            raise OSError(errno.EMFILE, "Too many open files")

    watched.on_change = fail_once
    OTHER.cert_pem.write_to_path(file)
    with pytest.raises(OSError, match="Too many open files"):
        watched.reload()
    watched.reload()
    watched.reload()

    assert len(taken) == 2
    assert sample(metrics, "certificate_reloads_total", result="success") == 1


def test_file_may_change_before_there_is_a_pair(
    file: Path, contents: Contents, metrics: Metrics
) -> None:
    """The first pair is then served to the clients of the newest file."""
    watched = of(file, metrics)
    serving = ServingContext(metrics, watched)
    OTHER.cert_pem.write_to_path(file)
    watched.reload()
    pem = serve(serving, contents)

    assert why_not(serving, pem, OTHER.issue_cert("x")) == ""


@pytest.mark.parametrize("content", [None, b"", b"nothing", b"-----BEGIN CERTIFICATE-----"])
def test_there_is_no_start_without_an_authority(
    file: Path, metrics: Metrics, content: bytes | None
) -> None:
    """Otherwise nobody could call, and nobody would know why."""
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CertificateError, match=r"clients.crt cannot tell who may call: .*\. Put"):
        of(file, metrics)


@pytest.mark.anyio
@pytest.mark.parametrize("source", ["managed", "files"])
async def test_every_source_of_a_certificate_keeps_the_clients_current(
    file: Path,
    contents: Contents,
    metrics: Metrics,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
) -> None:
    """Wherever ours comes from, theirs are looked at; and ours is verified all the same."""
    monkeypatch.setattr(serving, "_POLL", 0.001)
    watched = of(file, metrics)
    certificate: Certificate
    if source == "managed":
        certificate = ManagedCertificate(
            Managed(namespace="source-ip", policy=POLICY),
            FakeSecret(),
            FakeBundles(b""),
            metrics,
            watched,
        )
    else:
        write_files(file.parent / "ours", contents.authority, contents.leaf)
        pair = CertificateFiles(
            certificate=file.parent / "ours" / CERTIFICATE, key=file.parent / "ours" / KEY
        )
        certificate = FileCertificate(pair, None, metrics, watched)
    task = asyncio.create_task(certificate.run())
    await until(lambda: certificate.verified)
    OTHER.cert_pem.write_to_path(file)
    await until(lambda: sample(metrics, "certificate_reloads_total", result="success"))
    task.cancel()
    await asyncio.wait([task])
