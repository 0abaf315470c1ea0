"""What a replica wants of a caBundle, by what it sees."""

import dataclasses

from cryptography import x509

from certs import bundle
from certs.authority import Authority
from certs.contents import Contents
from certs.rotation import Seen, Served, mended, sighted, trimmed
from tests.unit.certs.material import DAY, NOW, POLICY, authority, contents, leaf, stranger

FIRST, NEXT, FORMER = (authority() for _ in range(3))
STRANGER = stranger()
OLD = authority(DAY, now=NOW - 2 * DAY)
ROTATING = contents(FIRST, NEXT)
A, B, X = (each.certificate for each in (FIRST, NEXT, STRANGER))
PEM_A, PEM_X = FIRST.certificate_pem, STRANGER.certificate_pem


def seen(holds: Contents | None = ROTATING, served: Served | None = None) -> Seen:
    """Look at a Secret."""
    return Seen(published=(), contents=holds, served=served, now=NOW, ages={})


def serving(issuer: Authority) -> Served:
    """Serve a leaf of an authority."""
    return Served(
        certificate=leaf(issuer, now=NOW - 2 * DAY).certificate, issuer=issuer.certificate
    )


def test_both_authorities_of_the_secret_are_wanted() -> None:
    """The one that issues comes first."""
    assert seen().wanted == (A, B)
    assert seen(None).wanted == ()


def test_own_issuer_is_wanted_first() -> None:
    """What we serve has to be verified, also when the Secret has gone on or is gone."""
    assert seen(served=serving(STRANGER)).wanted == (X, A, B)
    assert seen(served=serving(NEXT)).wanted == (B, A)
    assert seen(None, serving(STRANGER)).wanted == (X,)


def test_own_issuer_out_of_date_is_not_wanted() -> None:
    """It verifies nothing any more."""
    assert seen(served=serving(OLD)).wanted == (A, B)


def test_mended_bundle_is_complete_and_in_order() -> None:
    """What is missing comes last, and a stranger is kept."""
    assert mended(PEM_X, seen()) == bundle.write([X, A, B])
    assert mended(b"", seen()) == bundle.write([A, B])
    assert mended(b"garbage", seen()) == bundle.write([A, B])


def test_good_bundle_stays_as_it_is() -> None:
    """Nothing is written for the sake of order: all is there, and all can read it."""
    for good in ([A, B], [B, X, A], [OLD.certificate, A, B]):
        assert mended(bundle.write(good), seen()) == bundle.write(good)


def test_misleading_bundle_is_put_in_order() -> None:
    """Blocks that run into each other are written anew, although all are there."""
    glued = PEM_A.rstrip() + NEXT.certificate_pem

    assert mended(glued, seen()) == bundle.write([A, B])


def test_bundle_of_others_stays_while_nothing_is_wanted() -> None:
    """Before there is an authority of ours, nobody's bundle is touched."""
    assert mended(b"# theirs", seen(None)) == b"# theirs"


def test_trimmed_bundle_holds_nothing_of_ours_that_is_not_wanted() -> None:
    """What we made and want no more goes, expired or not; strangers and the order stay."""
    pem = bundle.write([B, FORMER.certificate, X, OLD.certificate, A])

    assert trimmed(pem, seen(), POLICY) == bundle.write([B, X, A])
    assert trimmed(FORMER.certificate_pem, seen(served=serving(FORMER)), POLICY) == (
        FORMER.certificate_pem
    )


def test_bundle_without_anything_to_trim_stays_as_it_is() -> None:
    """Not even what others wrote between the certificates is touched."""
    pem = b"# theirs\n" + bundle.write([X, A])

    assert trimmed(pem, seen(), POLICY) == pem


def names(*certificates: x509.Certificate) -> set[str]:
    """Name certificates."""
    return {bundle.fingerprint(each) for each in certificates}


ISSUING = f"issuing {bundle.fingerprint(A)}"


def test_sighted_is_what_every_bundle_has() -> None:
    """An authority counts once it is everywhere, and as issuing once it is in the Secret."""
    published = bundle.write([A, B]), bundle.write([X, A])

    assert sighted(published, ROTATING) == {*names(A), ISSUING}
    assert sighted(published, None) == names(A)


def test_bundle_that_not_everybody_can_read_holds_nothing() -> None:
    """Blocks that run into each other hide what is there from the API server."""
    published = bundle.write([A]), PEM_X.rstrip() + PEM_A

    assert sighted(published, ROTATING) == {ISSUING}


def test_without_a_configuration_nobody_has_to_be_told() -> None:
    """The Secret's authorities count as published where nobody verifies."""
    assert sighted((), ROTATING) == {*names(A, B), ISSUING}
    assert sighted((), None) == set()


def test_renewal_does_not_begin_anything_anew() -> None:
    """What is sighted of a Secret is the same whatever leaf it holds."""
    renewed = dataclasses.replace(ROTATING, leaf=leaf(FIRST))

    assert sighted((PEM_A,), renewed) == sighted((PEM_A,), ROTATING)
