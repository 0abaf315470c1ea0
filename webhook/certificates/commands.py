"""What the commands ``certificates show`` and ``certificates rotate`` do.

Show tells which certificates there are, in Secret and caBundles, and whether they fit together.
Rotate takes the first step of a rotation because somebody asks for it; the replicas go on.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Final

from cryptography import x509

from certs import bundle, rotation
from certs.authority import BACKDATE, KeyPair
from certs.contents import (
    CA_CERTIFICATE,
    CERTIFICATE,
    NEXT_CA_CERTIFICATE,
    Contents,
    ContentsError,
)
from certs.policy import LAST_PART, Policy, PolicyError
from webhook.cluster.answers import ObservedConfiguration
from webhook.cluster.objects import CaBundleClient, SecretClient

_ROLES: Final = {
    CERTIFICATE: "leaf",
    CA_CERTIFICATE: "authority",
    NEXT_CA_CERTIFICATE: "next authority",
}
"""What a certificate of the Secret is for, by its key; cert-manager uses the first two as well."""
_FORMER: Final = "former authority"
"""One of this Secret that is published still."""
_OTHER: Final = "other authority"
"""One that is published by somebody else."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One certificate in one place."""

    place: str
    """The Secret or an entry of the configuration, as people name it."""

    role: str
    """What it is for: ``leaf``, ``authority``, ``next authority`` and so on."""

    certificate: x509.Certificate
    """The certificate."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All certificates that were found, and what is wrong."""

    findings: tuple[Finding, ...]
    """Those of the Secret first."""

    now: dt.datetime
    """When it was made, by the API server's clock."""

    problems: tuple[str, ...]
    """Sentences; empty where every caBundle verifies the leaf."""


class NothingToRotateError(Exception):
    """The Secret holds nothing that could be rotated now; the text tells a person why."""


def report(secret: SecretClient, bundles: CaBundleClient) -> Report:
    """Read Secret and configuration, and find out whether they fit together.

    Args:
        secret: Ours, or one that cert-manager keeps.
        bundles: Of the configuration that points to us.

    Raises:
        ClusterError: Nobody can tell.
    """
    published, date = bundles.read()
    stored, later = secret.read()
    now = later or date or dt.datetime.now(dt.UTC)
    data = {} if stored is None else stored.data
    chain = bundle.read(data.get(CERTIFICATE, b""))
    held = tuple(_held(str(secret), data))
    roles = {finding.certificate: finding.role for finding in held}
    return Report(
        findings=(*held, *_published(published, roles, Policy(hosts=(), unit=str(secret)))),
        now=now,
        problems=tuple(_problems(str(secret), chain, published, now)),
    )


def rotate(secret: SecretClient, *, authority: bool) -> None:
    """Write a new leaf into the Secret, or a next authority.

    It gets the names and lifetimes that its predecessor has.

    Args:
        secret: Where they are kept.
        authority: Whether to replace the authority, and with it the leaf, or the leaf alone.

    Raises:
        NothingToRotateError: There is nothing yet; or an authority is being replaced already; or a
            leaf is wanted of an authority that is not valid now; or names or lifetimes of what is
            there make no policy.
        ContentsError: The Secret holds something that we would not write.
        Conflict: It was changed meanwhile.
        ClusterError: The API server is away or does not let us.
    """
    stored, date = secret.read()
    try:
        contents = None if stored is None else Contents.load(stored.data)
    except ContentsError as error:
        raise ContentsError(f"{secret} {error}: it is not rotated.") from None
    if stored is None or contents is None:
        raise NothingToRotateError(f"{secret} holds nothing yet: start the webhook, and it will.")
    if authority and contents.next is not None:
        raise NothingToRotateError(
            f"{secret} holds a next authority already: the replicas are replacing the one before."
        )
    now = date or dt.datetime.now(dt.UTC)
    if not authority and not bundle.valid(contents.authority.certificate, now):
        raise NothingToRotateError(
            f"{secret} holds an authority that is not valid at this time: replace it with --ca."
        )
    make = rotation.introduce if authority else rotation.renew
    try:
        policy = _as_before(contents, str(secret), authority=authority)
    except PolicyError as error:
        raise NothingToRotateError(
            f"{secret} holds what cannot be made again as it is: {error} Delete it, and "
            "certificates are made anew."
        ) from error
    secret.replace(make(contents, policy, now).data(), stored.resource_version)


def _held(secret: str, data: Mapping[str, bytes]) -> Iterator[Finding]:
    """List what the Secret holds; of a chain, its first certificate."""
    for key, role in _ROLES.items():
        for certificate in bundle.read(data.get(key, b""))[:1]:
            yield Finding(place=secret, role=role, certificate=certificate)


def _published(
    published: ObservedConfiguration | None, roles: Mapping[x509.Certificate, str], policy: Policy
) -> Iterator[Finding]:
    """List what the configuration holds, in its order."""
    for entry in () if published is None else published.entries:
        for each in bundle.read(entry.bundle):
            role = roles.get(each, _FORMER if policy.made(each) else _OTHER)
            yield Finding(place=f"caBundle of {entry.name}", role=role, certificate=each)


def _problems(
    secret: str, chain: bundle.Bundle, published: ObservedConfiguration | None, now: dt.datetime
) -> Iterator[str]:
    """Say why the API server would refuse the leaf."""
    if not chain:
        yield f"{secret} holds no leaf: nothing can be served."
        return
    leaf, *intermediates = chain
    if not bundle.valid(leaf, now):
        yield f"The leaf is not valid at {now:%Y-%m-%d %H:%M:%S %Z}."
    if published is None:
        yield "There is no such MutatingWebhookConfiguration: nobody calls the webhook."
        return
    for entry in published.entries:
        if not bundle.verifies(entry.bundle, leaf, now, tuple(intermediates)):
            yield f"The caBundle of {entry.name} does not verify the leaf."


def _as_before(contents: Contents, unit: str, *, authority: bool) -> Policy:
    """Make a policy with the names and the lifetime of the certificate that is replaced.

    The other certificate's lifetime is not taken from the Secret, but chosen so that no sentence of
    :class:`certs.policy.PolicyError` applies: authority and leaf may be from times with different
    policies, and their lifetimes need not go together. A third is the most that a policy allows.

    Args:
        contents: Of the Secret.
        unit: See :attr:`certs.policy.Policy.unit`.
        authority: Whether it is the authority that is replaced, or the leaf.
    """
    leaf = _lifetime(contents.authority) / LAST_PART if authority else _lifetime(contents.leaf)
    return Policy(
        hosts=contents.leaf.hosts,
        unit=unit,
        authority_lifetime=_lifetime(contents.authority) if authority else LAST_PART * leaf,
        leaf_lifetime=leaf,
        propagation=dt.timedelta(),
        overlap=leaf / LAST_PART,
    )


def _lifetime(pair: KeyPair) -> dt.timedelta:
    """Tell what lifetime a certificate was made for."""
    certificate = pair.certificate
    return certificate.not_valid_after_utc - certificate.not_valid_before_utc - BACKDATE
