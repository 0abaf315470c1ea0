"""Would the API server accept what each replica serves, and for how long?

A caBundle that is wrong can look healthy as long as connections from before are open, so that only
a fresh handshake tells.

Source:
    k8s.io/apiserver pkg/util/webhook/client.go and pkg/util/proxy, which endpoint is called.
"""

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from cryptography import x509

from certs import bundle
from webhook.cluster import ClusterError
from webhook.doctor.checks import (
    LIST_CONFIGURATIONS,
    Area,
    Right,
    Subject,
    Verdict,
    failed,
    unknown,
    warning,
    well,
)
from webhook.doctor.inspection import Inspection, upgrade
from webhook.doctor.objects import Configuration, Webhook
from webhook.doctor.ways import Replica, Served, shake_hands

_LAST_PART: Final = 6
"""A certificate should have been renewed before the last sixth of its life: the service and
cert-manager do so in the last third."""
_HTTPS: Final = 443
_CERT_MANAGER: Final = "cert-manager.io/inject-ca-from"
"""Annotation by which cert-manager's CA injector knows a configuration: namespace and name of the
Certificate.

Source:
    cert-manager, "CA Injector".
"""
_PORT_FORWARD: Final = (
    "Allow get and create pods/portforward, or run doctor where Pods can be reached"
)


class _Answer(NamedTuple):
    """What one replica serves, as far as an entry of the configuration is concerned."""

    replica: Replica
    title: str
    """Of the entry's caBundle."""
    pem: bytes
    served: Served | None
    """``None`` where no way leads to it."""
    unreached: str = ""
    """Why no way leads to it."""


def ca_bundle(inspection: Inspection) -> Iterator[Verdict]:
    """Does every caBundle verify what every ready replica serves?"""
    ours = inspection.registered
    answers = list(_answers(inspection, ours))
    if not answers:
        yield failed(
            "there is no ready replica whose certificate could be verified",
            f"{ours.title} .webhooks[*].clientConfig: no ready endpoint",
            cure=_look(ours),
        )
        return
    refused = [each for each in answers if each.served is not None and each.served.error]
    unreached = [each for each in answers if each.served is None]
    for each in refused:
        assert each.served is not None  # noqa: S101  chosen above
        yield failed(
            f"the API server refuses the certificate of {each.replica.title}: {each.served.error}",
            f"{each.title} does not verify what {each.replica.title} serves",
            cure=_repair(inspection, ours),
        )
    for each in unreached:
        yield unknown(
            f"{each.replica.title} cannot be reached from here",
            f"{each.replica.address}:{each.replica.port}: {each.unreached}",
            cure=_PORT_FORWARD,
        )
    if not refused and not unreached:
        yield well(
            "the published authorities verify what every ready replica serves",
            *(f"{each.title} verifies what {each.replica.title} serves" for each in answers),
        )


def certificate(inspection: Inspection) -> Iterator[Verdict]:
    """Is every certificate in date, and not in the last sixth of its life?"""
    ours = inspection.registered
    now = inspection.now
    held: dict[x509.Certificate, str] = {}
    for each in _answers(inspection, ours):
        if each.served is not None and each.served.leaf is not None:
            held.setdefault(each.served.leaf, f"certificate that {each.replica.title} serves")
        for authority in bundle.read(each.pem):
            if _issued(authority, each):
                held.setdefault(authority, f"authority in {each.title}")
    if not held:
        yield unknown("no certificate could be seen", cure="See the check ca-bundle")
        return
    worst = [(each, what) for each, what in held.items() if not bundle.valid(each, now)]
    late = [(each, what) for each, what in held.items() if _late(each, now)]
    if worst:
        yield failed(
            "a certificate is out of date: every new connection is refused",
            *(_shown(each, what, now) for each, what in worst),
            cure=_repair(inspection, ours),
        )
    elif late:
        yield warning(
            "a certificate is in the last sixth of its life and has not been renewed",
            *(_shown(each, what, now) for each, what in late),
            cure=_repair(inspection, ours),
        )
    else:
        yield well(
            "all certificates are in date, and have time left",
            *(_shown(each, what, now) for each, what in held.items()),
        )


def _answers(inspection: Inspection, ours: Configuration) -> Iterator[_Answer]:
    """Shake hands with every ready replica, once for each caBundle; two entries may share one."""
    seen = set()
    for index, hook in enumerate(ours.webhooks or ()):
        pem, host = hook.client_config.ca_bundle or b"", _host(hook)
        for replica in _replicas(inspection, hook):
            if (replica, pem, host) in seen:
                continue
            seen.add((replica, pem, host))
            title = f"{ours.title} .webhooks[{index}].clientConfig.caBundle"
            served, why = inspection.remember(
                ("served", replica, pem, host),
                lambda: _served(inspection, replica, pem, host),  # noqa: B023
            )
            yield _Answer(replica, title, pem, served, why)


def _served(
    inspection: Inspection, replica: Replica, pem: bytes, host: str
) -> tuple[Served | None, str]:
    """Try every way to a replica, until one leads to a certificate that is accepted.

    An address of the cluster may be somebody else's where we are, so that what a refused
    certificate means, the next way has to tell.
    """
    last: Served | None = None
    reasons = []
    for dial in inspection.ways:
        try:
            connection = dial(replica)
            try:
                last = shake_hands(connection, pem, host)
            finally:
                connection.close()
        except (OSError, ClusterError) as error:
            reasons.append(str(error))
        if last is not None and not last.error:
            break
    return last, "; ".join(reasons)


def _replicas(inspection: Inspection, hook: Webhook) -> Iterator[Replica]:
    """List the ready addresses that an entry leads to."""
    reference = hook.client_config.service
    if reference is None:
        host, port = _place(hook.client_config.url)
        yield Replica("", "", host, port)
        return
    service = inspection.service(reference.namespace, reference.name)
    ports = () if service is None else service.spec.ports or ()
    names = {each.name for each in ports if each.port == reference.port}
    for part in inspection.endpoint_slices(reference.namespace, reference.name):
        numbers = [each.port for each in part.ports or () if each.name in names and each.port]
        for number, endpoint in itertools.product(numbers, part.endpoints or ()):
            if endpoint.ready and endpoint.addresses:
                pod = "" if endpoint.target_ref is None else endpoint.target_ref.name
                yield Replica(reference.namespace, pod, endpoint.addresses[0], number)


def _host(hook: Webhook) -> str:
    """Tell which name the API server verifies."""
    reference = hook.client_config.service
    if reference is not None:
        return f"{reference.name}.{reference.namespace}.svc"
    return _place(hook.client_config.url)[0]


def _place(url: str) -> tuple[str, int]:
    """Read host and port of a URL; no host where it is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "", _HTTPS
    return host or "", port or _HTTPS


def _issued(authority: x509.Certificate, answer: _Answer) -> bool:
    """Tell whether an authority issued what is served; while one is replaced there are others."""
    leaf = None if answer.served is None else answer.served.leaf
    return leaf is not None and bundle.issued(leaf, authority)


def _late(certificate: x509.Certificate, now: dt.datetime) -> bool:
    """Tell whether a certificate is in the last part of its life."""
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return certificate.not_valid_after_utc - now < life / _LAST_PART


def _shown(certificate: x509.Certificate, what: str, now: dt.datetime) -> str:
    """Say until when a certificate is valid."""
    end = certificate.not_valid_after_utc
    return f"{what}: valid until {end:%Y-%m-%d %H:%M} UTC ({(end - now).days} d)"


def _look(ours: Configuration) -> str:
    """Say where to look why nothing is ready."""
    if ours.service is None:
        return "Register the webhook as docs/operation.md says"
    return "kubectl -n {} describe deployment/{}".format(*ours.service)


def _repair(inspection: Inspection, ours: Configuration) -> str:
    """Say who renews certificate and caBundle."""
    reference = ours.service
    if reference is None:
        return "Issue a certificate for the URL's host, and publish its authority in caBundle"
    issued, _, certificate_name = (
        (ours.metadata.annotations or {}).get(_CERT_MANAGER, "").partition("/")
    )
    if certificate_name:
        return f"kubectl -n {issued} describe certificates.cert-manager.io {certificate_name}"
    namespace, name = reference
    deployment = inspection.deployment(namespace, name)
    managed = deployment is not None and any(
        "--tls-managed" in (each.args or ()) for each in deployment.containers
    )
    if managed:
        return f"kubectl -n {namespace} logs deployment/{name}"
    return (
        f"Renew the Secret that the Deployment {namespace}/{name} mounts, and write its authority "
        f"into caBundle ({upgrade(ours, '--set-file tls.caBundle=ca.crt')})"
    )


_RIGHTS: Final = (
    LIST_CONFIGURATIONS,
    Right("get", "services"),
    Right("list", "endpointslices", "discovery.k8s.io"),
    Right("get", "deployments", "apps"),
    Right("get", "pods/portforward"),
    Right("create", "pods/portforward"),
)
CHECKS: Final = (
    Subject(
        name="ca-bundle",
        area=Area.INSTALLATION,
        about="A fresh TLS handshake with every ready endpoint, for the name "
        "`<service>.<namespace>.svc`, trusting the published `caBundle` alone: directly, or "
        "through the API server where Pods cannot be reached.",
        why="A certificate that is refused is a call that fails, and an open connection hides it.",
        cure="A managed certificate repairs itself: read the log. cert-manager's: look at its "
        "Certificate. Otherwise publish the authority.",
        rights=_RIGHTS,
        ask=ca_bundle,
        webhook=True,
    ),
    Subject(
        name="certificate",
        area=Area.INSTALLATION,
        about="The certificates that are served, and their authorities, are in date by the API "
        "server's clock, and not in the last sixth of their lives.",
        why="They are renewed in the last third; who is later than that is not being renewed.",
        cure="Read the log of the Deployment, or of cert-manager.",
        rights=_RIGHTS,
        ask=certificate,
        webhook=True,
    ),
)
"""In the order in which they are made."""
