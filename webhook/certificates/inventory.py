"""Which certificates there are, in Secret and caBundles, and whether they fit together."""

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Final

from cryptography import x509

from certs import bundle
from certs.policy import Policy
from webhook.cluster.ca_bundle import Bundles, Published
from webhook.cluster.secret import SecretStore

_CHAIN: Final = "tls.crt"
_ROLES: Final = {
    _CHAIN: "leaf",
    "ca.crt": "authority",
    "next-ca.crt": "next authority",
}
"""What a certificate of the Secret is for, by its key; cert-manager uses the first two as well."""

_FORMER: Final = "former authority"
"""One of this Secret that is published still."""

_OTHER: Final = "other authority"
"""One that is published by somebody else."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One certificate in one place."""

    place: str
    role: str
    certificate: x509.Certificate


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All of them, and what is wrong."""

    items: tuple[Item, ...]
    now: dt.datetime
    """When it was taken, by the API server's clock."""

    problems: tuple[str, ...]
    """Sentences; empty where every caBundle verifies the leaf."""


def take(secret: SecretStore, bundles: Bundles) -> Inventory:
    """Read what there is.

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
    held = tuple(_held(str(secret), data))
    roles = {item.certificate: item.role for item in held}
    return Inventory(
        items=(*held, *_published(published, roles, Policy(hosts=(), unit=str(secret)))),
        now=now,
        problems=tuple(_problems(str(secret), bundle.read(data.get(_CHAIN, b"")), published, now)),
    )


def _published(
    published: Published | None, roles: Mapping[x509.Certificate, str], policy: Policy
) -> Iterator[Item]:
    """List what the configuration holds."""
    for entry in () if published is None else published.entries:
        for each in bundle.read(entry.bundle):
            role = roles.get(each, _FORMER if policy.made(each) else _OTHER)
            yield Item(place=f"caBundle of {entry.name}", role=role, certificate=each)


def _held(secret: str, data: Mapping[str, bytes]) -> Iterator[Item]:
    """List what the Secret holds; of a chain, its first certificate."""
    for key, role in _ROLES.items():
        for certificate in bundle.read(data.get(key, b""))[:1]:
            yield Item(place=secret, role=role, certificate=certificate)


def _problems(
    secret: str, chain: bundle.Bundle, published: Published | None, now: dt.datetime
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
