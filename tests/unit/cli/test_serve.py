"""``serve``: what is given badly is refused with one sentence, before anything starts."""

import socket
from pathlib import Path

import pytest

from tests.unit.cli.running import namespaces_file, run, sentence


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--tls-cert", "c"],
        ["--tls-key", "k"],
        ["--tls-cert", "c", "--tls-key", "k", "--tls-self-signed", "d"],
        ["--tls-cert", "c", "--tls-self-signed", "d"],
        ["--tls-managed", "--tls-self-signed", "d"],
        ["--tls-managed", "--tls-cert", "c", "--tls-key", "k"],
    ],
)
def test_serve_wants_one_certificate(arguments: list[str]) -> None:
    """None, half a pair and two sources at once are refused with what to give instead."""
    result = run("serve", *arguments)

    assert result.exit_code == 2
    assert sentence(result).startswith("A webhook needs one certificate: give --tls-managed")


def test_certificate_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """Missing files are named, with what to do."""
    missing, known = str(tmp_path / "none.crt"), namespaces_file(tmp_path)
    result = run("serve", "--tls-cert", missing, "--tls-key", missing, "--namespaces", known)

    assert result.exit_code == 2
    assert sentence(result).endswith("Put a PEM certificate and its own unencrypted key there.")


def test_name_of_a_client_needs_its_authority() -> None:
    """Anybody can write any name into a certificate."""
    result = run("serve", "--tls-self-signed", "d", "--client-name", "kube-apiserver")

    assert result.exit_code == 2
    assert sentence(result).endswith("give --client-ca FILE with --client-name.")


def test_authority_of_clients_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """A file that cannot tell who may call is named, with what to do."""
    source = ("--tls-self-signed", str(tmp_path / "tls"), "--namespaces", namespaces_file(tmp_path))
    result = run("serve", *source, "--client-ca", str(tmp_path / "none"), "--client-name", "a")

    assert result.exit_code == 2
    assert sentence(result).startswith(f"{tmp_path / 'none'} cannot tell who may call")
    assert "issued the API server's client certificate" in sentence(result)


def test_folder_with_foreign_certificates_is_kept(tmp_path: Path) -> None:
    """A self-signed certificate never takes the place of somebody's own."""
    (tmp_path / "tls.key").write_text("mine")
    result = run("serve", "--tls-self-signed", str(tmp_path))

    assert result.exit_code == 2
    assert sentence(result).endswith("Choose an empty folder.")
    assert (tmp_path / "tls.key").read_text() == "mine"


def test_namespaces_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """A missing file of namespaces is named."""
    missing = tmp_path / "none.yaml"
    result = run("serve", "--tls-self-signed", str(tmp_path / "tls"), "--namespaces", str(missing))

    assert result.exit_code == 2
    assert str(missing) in sentence(result)


def test_cluster_that_nothing_tells_of_is_a_sentence(tmp_path: Path) -> None:
    """Outside a cluster, without a kubeconfig, the way out is named."""
    result = run(
        "serve",
        *("--tls-self-signed", str(tmp_path / "tls")),
        KUBECONFIG=str(tmp_path / "none"),
        KUBERNETES_SERVICE_HOST="",
    )

    assert result.exit_code == 2
    assert sentence(result).endswith("or name a kubeconfig with the variable KUBECONFIG.")


def test_audits_are_published_in_a_cluster(tmp_path: Path) -> None:
    """Who asks for their metrics needs one, even with namespaces from a file."""
    result = run(
        *("serve", "--tls-self-signed", str(tmp_path / "tls")),
        *("--namespaces", namespaces_file(tmp_path), "--audit-report", "source-ip/audit"),
        KUBECONFIG=str(tmp_path / "none"),
        KUBERNETES_SERVICE_HOST="",
    )

    assert result.exit_code == 2
    assert sentence(result).endswith("or name a kubeconfig with the variable KUBECONFIG.")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--tls-self-signed", ""], "This is empty; name a file or a folder."),
        (["--namespaces", ""], "This is empty; name a file or a folder."),
        (["--drain", "nan"], "nan is no number of seconds."),
        (["--port", "-1"], "-1 is not in the range 0<=x<=65535."),
        *(
            (["--audit-report", wrong], "write NAMESPACE/NAME, such as source-ip/audit.")
            for wrong in ("audit", "a/b/c", "A/b", "a/", "/b", "a.b/c", "a/b\n")
        ),
    ],
)
def test_values_that_mean_nothing_are_refused(arguments: list[str], why: str) -> None:
    """Empty paths, and numbers and names that are none, end with a sentence, before any start."""
    result = run("serve", *arguments)

    assert result.exit_code == 2
    assert sentence(result).endswith(why)


def test_variable_that_kubernetes_sets_is_no_port(tmp_path: Path) -> None:
    """Beside a Service of our name the variable of --port holds a URL, which means the default."""
    url = "tcp://10.0.0.1:443"
    source = ("--tls-cert", "a", "--tls-key", "b", "--namespaces", namespaces_file(tmp_path))
    result = run("serve", *source, SOURCE_IP_WEBHOOK_PORT=url)

    assert sentence(result).startswith("a and b cannot be served")


def test_port_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    """A port of somebody else's is named, and how to choose another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run(
            *("serve", "--tls-self-signed", str(tmp_path / "tls"), "--host", "127.0.0.1"),
            *("--port", str(port), "--namespaces", namespaces_file(tmp_path)),
        )

    assert result.exit_code == 2
    assert sentence(result) == (
        f"Port {port} of 127.0.0.1 cannot be listened on: Address already in use. Choose another "
        "with --host, --port or --ops-port."
    )
