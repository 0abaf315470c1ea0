"""A renewal because somebody asks for it: the first step is taken here, the replicas go on."""

import datetime as dt

from certs import bundle, steps
from certs.authority import BACKDATE
from certs.contents import Contents, ContentsError
from certs.pair import Pair
from certs.policy import Policy, PolicyError
from webhook.cluster.secret import SecretStore


class NothingToRotateError(Exception):
    """There is nothing yet, or it is under way already; the text is one sentence for a person."""


def rotate(secret: SecretStore, *, authority: bool) -> None:
    """Write a new leaf into the Secret, or a next authority.

    It gets the names and lifetimes that its predecessor has.

    Args:
        secret: Where they are kept.
        authority: Whether to replace the authority, and with it the leaf, or the leaf alone.

    Raises:
        NothingToRotateError: There is nothing yet, or an authority is being replaced already.
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
    make = steps.introduce if authority else steps.renew
    try:
        policy = _as_before(contents, str(secret), authority=authority)
    except PolicyError as error:
        raise NothingToRotateError(
            f"{secret} holds what cannot be made again as it is: {error} Delete it, and "
            "certificates are made anew."
        ) from error
    secret.replace(make(contents, policy, now).data(), stored.resource_version)


def _as_before(contents: Contents, unit: str, *, authority: bool) -> Policy:
    """Make the policy that what is replaced was made by.

    The lifetime of the other one is chosen to fit: of what is in the Secret, authority and leaf may
    be from times with different policies, which together no policy would allow.
    """
    leaf = _lifetime(contents.authority) / 3 if authority else _lifetime(contents.leaf)
    return Policy(
        hosts=contents.leaf.hosts,
        unit=unit,
        authority_lifetime=_lifetime(contents.authority) if authority else 3 * leaf,
        leaf_lifetime=leaf,
        propagation=dt.timedelta(),
        overlap=leaf / 3,
    )


def _lifetime(pair: Pair) -> dt.timedelta:
    """Tell what lifetime a certificate was made for."""
    certificate = pair.certificate
    return certificate.not_valid_after_utc - certificate.not_valid_before_utc - BACKDATE
