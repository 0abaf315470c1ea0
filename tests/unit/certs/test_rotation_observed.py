"""What a replica desires of a caBundle, by what it observes."""

import dataclasses

from cryptography import x509

from certs import bundle
from certs.authority import Authority
from certs.contents import Contents
from certs.rotation import Observed, Served, conditions, with_desired, without_retired
from tests.unit.certs.material import DAY, NOW, POLICY, authority, contents, leaf, stranger

FIRST, NEXT, FORMER = (authority() for _ in range(3))
STRANGER = stranger()
OLD = authority(DAY, now=NOW - 2 * DAY)
ROTATING = contents(FIRST, NEXT)
A, B, X = (each.certificate for each in (FIRST, NEXT, STRANGER))
PEM_A, PEM_X = FIRST.certificate_pem, STRANGER.certificate_pem


def observed(holds: Contents | None = ROTATING, served: Served | None = None) -> Observed:
    """Observe a Secret."""
    return Observed(published=(), contents=holds, served=served, now=NOW, durations={})


def serving(issuer: Authority) -> Served:
    """Serve a leaf of an authority."""
    return Served(
        certificate=leaf(issuer, now=NOW - 2 * DAY).certificate, issuer=issuer.certificate
    )


def test_both_authorities_of_the_secret_are_desired() -> None:
    """The one that issues comes first."""
    assert observed().desired == (A, B)
    assert observed(None).desired == ()


def test_own_issuer_is_desired_first() -> None:
    """What we serve has to be verified, also when the Secret has gone on or is gone."""
    assert observed(served=serving(STRANGER)).desired == (X, A, B)
    assert observed(served=serving(NEXT)).desired == (B, A)
    assert observed(None, serving(STRANGER)).desired == (X,)


def test_own_issuer_out_of_date_is_not_desired() -> None:
    """It verifies nothing any more."""
    assert observed(served=serving(OLD)).desired == (A, B)


def test_bundle_with_desired_is_complete_and_in_order() -> None:
    """What is missing comes last, and a stranger is kept."""
    assert with_desired(PEM_X, observed()) == bundle.write([X, A, B])
    assert with_desired(b"", observed()) == bundle.write([A, B])
    assert with_desired(b"garbage", observed()) == bundle.write([A, B])


def test_good_bundle_stays_as_it_is() -> None:
    """Nothing is written for the sake of order: all is there, and all can read it."""
    for good in ([A, B], [B, X, A], [OLD.certificate, A, B]):
        assert with_desired(bundle.write(good), observed()) == bundle.write(good)


def test_misleading_bundle_is_put_in_order() -> None:
    """Blocks that run into each other are written anew, although all are there."""
    glued = PEM_A.rstrip() + NEXT.certificate_pem

    assert with_desired(glued, observed()) == bundle.write([A, B])


def test_bundle_of_others_stays_while_nothing_is_desired() -> None:
    """Before there is an authority of ours, nobody's bundle is touched."""
    assert with_desired(b"# theirs", observed(None)) == b"# theirs"


def test_bundle_without_retired_holds_nothing_of_ours_but_what_is_desired() -> None:
    """What we made and is not desired goes, expired or not; strangers and the order stay."""
    pem = bundle.write([B, FORMER.certificate, X, OLD.certificate, A])

    assert without_retired(pem, observed(), POLICY) == bundle.write([B, X, A])
    assert without_retired(FORMER.certificate_pem, observed(served=serving(FORMER)), POLICY) == (
        FORMER.certificate_pem
    )


def test_bundle_without_anything_to_retire_stays_as_it_is() -> None:
    """Not even what others wrote between the certificates is touched."""
    pem = b"# theirs\n" + bundle.write([X, A])

    assert without_retired(pem, observed(), POLICY) == pem


def names(*certificates: x509.Certificate) -> set[str]:
    """Name certificates."""
    return {bundle.fingerprint(each) for each in certificates}


ISSUING = f"issuing {bundle.fingerprint(A)}"


def test_condition_is_what_every_bundle_has() -> None:
    """An authority counts once it is everywhere, and as issuing once it is in the Secret."""
    published = bundle.write([A, B]), bundle.write([X, A])

    assert conditions(published, ROTATING) == {*names(A), ISSUING}
    assert conditions(published, None) == names(A)


def test_bundle_that_not_everybody_can_read_holds_nothing() -> None:
    """Blocks that run into each other hide what is there from the API server."""
    published = bundle.write([A]), PEM_X.rstrip() + PEM_A

    assert conditions(published, ROTATING) == {ISSUING}


def test_without_a_configuration_nobody_has_to_be_told() -> None:
    """The Secret's authorities count as published where nobody verifies."""
    assert conditions((), ROTATING) == {*names(A, B), ISSUING}
    assert conditions((), None) == set()


def test_renewal_does_not_begin_anything_anew() -> None:
    """The conditions of a Secret are the same whatever leaf it holds."""
    renewed = dataclasses.replace(ROTATING, leaf=leaf(FIRST))

    assert conditions((PEM_A,), renewed) == conditions((PEM_A,), ROTATING)
