"""The serving certificate: verified, replaced while connections go on, never broken."""

import datetime as dt
import socket
import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from tests.reviews import review
from tests.server.conftest import Files
from tests.server.running import DEADLINE, Running
from tests.situations import pod
from webhook.certificates import CertificateError, files
from webhook.certificates.files import FileCertificate
from webhook.metrics import Metrics
from webhook.settings import CertificateFiles


def serial_served(server: Running, ca: Path, **limits: ssl.TLSVersion) -> str:
    """Shake hands anew and tell which certificate was served."""
    context = ssl.create_default_context(cafile=str(ca))
    for name, version in limits.items():
        setattr(context, name, version)
    with (
        socket.create_connection(("127.0.0.1", server.webhook.port), DEADLINE) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        certificate = connection.getpeercert()
        assert certificate is not None
        return str(certificate["serialNumber"])


@pytest.fixture(autouse=True)
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the files more often than in production."""
    monkeypatch.setattr(files, "_POLL", 0.01)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_handshake_verifies(fresh_server: Running, files: Files, version: ssl.TLSVersion) -> None:
    """TLS 1.2 and 1.3 clients that verify name and chain are served."""
    assert serial_served(fresh_server, files.ca, minimum_version=version, maximum_version=version)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_old_tls_is_refused(fresh_server: Running, files: Files) -> None:
    """A client that knows nothing after TLS 1.1 is turned away."""
    old = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        serial_served(fresh_server, files.ca, minimum_version=old, maximum_version=old)


def test_client_by_address_is_served(fresh_server: Running, files: Files) -> None:
    """A client that connects to an address sends no name, and gets the certificate as well."""
    answer = fresh_server.client.request("GET", f"https://127.0.0.1:{fresh_server.webhook.port}/")

    assert answer.status == 404
    assert files.ca.exists()


def wait_for_reload(fresh_server: Running, result: str, count: int = 1) -> None:
    """Wait until the files were looked at."""
    name = "source_ip_webhook_certificate_reloads_total"
    for _ in range(10_000):
        if fresh_server.count(name, result=result) >= count:
            return
        fresh_server.ops("/livez")
    pytest.fail(f"no {result} of a reload was counted")


def test_new_pair_is_served_and_no_connection_is_lost(
    fresh_server: Running, files: Files, authority: trustme.CA
) -> None:
    """New handshakes get the new leaf, while a connection of the old one goes on."""
    before = serial_served(fresh_server, files.ca)
    fresh_server.post(review("Pod", pod()))
    files.write(authority.issue_cert("localhost", "127.0.0.1"))
    wait_for_reload(fresh_server, "success")

    assert fresh_server.post(review("Pod", pod())).status == 200
    assert fresh_server.client.connection_from_url(fresh_server.url).num_connections == 1
    assert before != serial_served(fresh_server, files.ca)


def test_bad_pair_is_never_served(
    fresh_server: Running, files: Files, authority: trustme.CA
) -> None:
    """A key that does not fit leaves everything as it was, and is mended by a good pair."""
    before = serial_served(fresh_server, files.ca)
    authority.issue_cert("localhost").private_key_pem.write_to_path(files.pair.key)
    wait_for_reload(fresh_server, "failure")
    during = serial_served(fresh_server, files.ca)
    files.write(authority.issue_cert("localhost", "127.0.0.1"))
    wait_for_reload(fresh_server, "success")

    assert before == during != serial_served(fresh_server, files.ca)


def test_bad_pair_is_complained_about_once(files: Files, capfd: pytest.CaptureFixture[str]) -> None:
    """A file that stays broken does not fill the log."""
    metrics = Metrics()
    certificate = FileCertificate(files.pair, None, metrics)
    files.pair.key.unlink()
    for _ in range(3):
        certificate.reload()

    value = metrics.registry.get_sample_value(
        "source_ip_webhook_certificate_reloads_total", {"result": "failure"}
    )
    assert value == 1
    assert capfd.readouterr().out.count("certificate-not-reloaded") == 1


def test_expiry_is_a_metric(fresh_server: Running, files: Files) -> None:
    """When the served certificate expires can be alerted on."""
    decoded = ssl._ssl._test_decode_cert(str(files.pair.certificate))  # type: ignore[attr-defined]  # noqa: SLF001
    expires = ssl.cert_time_to_seconds(decoded["notAfter"])

    assert expires == fresh_server.count(
        "source_ip_webhook_certificate_not_after_timestamp_seconds", certificate="serving"
    )


def broken(files: Files, how: str) -> None:
    """Break the files in one way."""
    pair = files.pair
    if how == "missing":
        pair.certificate.unlink()
    elif how == "not PEM":
        pair.certificate.write_text("hello")
    elif how == "another key":
        trustme.CA().issue_cert("localhost").private_key_pem.write_to_path(pair.key)
    elif how == "not a certificate":
        pair.certificate.write_bytes(pair.certificate.read_bytes().replace(b"MII", b"!!!", 1))
    elif how == "an encrypted key":
        key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"secret"),
            )
        )
    else:
        pair.certificate.unlink()
        pair.certificate.mkdir()


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("missing", "No such file"),
        ("not PEM", "no pem"),
        ("another key", "key values mismatch"),
        ("not a certificate", "pem"),
        ("an encrypted key", "encrypted"),
        ("a folder", "Is a directory"),
    ],
)
def test_bad_files_are_one_clear_sentence(files: Files, how: str, why: str) -> None:
    """A pair that cannot be served at start says which files, why, and what to do."""
    broken(files, how)
    with pytest.raises(CertificateError, match=rf"tls.crt and .*tls.key cannot be served: .*{why}"):
        FileCertificate(files.pair, None, Metrics())


def test_expired_certificate_is_complained_about(
    files: Files, authority: trustme.CA, capfd: pytest.CaptureFixture[str]
) -> None:
    """The API server refuses it without our noticing, so we say so as soon as we load it."""
    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    files.write(authority.issue_cert("localhost", not_after=yesterday))
    FileCertificate(files.pair, None, Metrics())

    assert "certificate-out-of-date" in capfd.readouterr().out


def mounted(folder: Path, version: str, leaf: trustme.LeafCert) -> CertificateFiles:
    """Write a version of a Secret as kubelet does: files in a folder, links, and one swap."""
    (folder / version).mkdir()
    leaf.private_key_pem.write_to_path(folder / version / "tls.key")
    leaf.cert_chain_pems[0].write_to_path(folder / version / "tls.crt")
    (folder / "..tmp").symlink_to(version)
    (folder / "..tmp").replace(folder / "..data")
    for name in ("tls.crt", "tls.key"):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    return CertificateFiles(certificate=folder / "tls.crt", key=folder / "tls.key")


def test_mounted_secret_is_followed(
    tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kubernetes' ``..data`` swap is seen, and a swap between two reads mixes no two versions."""
    metrics = Metrics()
    first, second = (authority.issue_cert("localhost") for _ in range(2))
    pair = mounted(tmp_path, "..2026_1", first)
    certificate = FileCertificate(pair, None, metrics)
    read = Path.read_bytes

    def swap_after_the_first_read(path: Path) -> bytes:
        content = read(path)
        monkeypatch.setattr(Path, "read_bytes", read)
        mounted(tmp_path, "..2026_2", second)
        return content

    monkeypatch.setattr(Path, "read_bytes", swap_after_the_first_read)
    certificate.reload()  # all of the first version, although the swap came between
    failed = reloads(metrics, "failure")
    certificate.reload()

    assert (failed, reloads(metrics, "failure"), reloads(metrics, "success")) == (0, 0, 1)


def reloads(metrics: Metrics, result: str) -> float:
    """Count the reloads with a result."""
    name = "source_ip_webhook_certificate_reloads_total"
    return metrics.registry.get_sample_value(name, {"result": result}) or 0
