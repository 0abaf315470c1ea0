"""A certificate in files that somebody else keeps up to date: cert-manager, or an admin."""

import asyncio
import hashlib
from pathlib import Path
from typing import Final

import structlog

from certs import bundle
from webhook.certificates import CertificateError
from webhook.certificates.loop import ReconcileLoop
from webhook.certificates.serving import ClientAuthentication, ReloadLog, ServingContext
from webhook.certificates.verification import ApiServerClock, Verification
from webhook.cluster import ClusterError
from webhook.cluster.objects import CaBundleClient
from webhook.metrics import Metrics
from webhook.settings import CertificateFiles

_POLL: Final = 2.0
"""Seconds between looks at the files. Polled, because a mounted Secret sends no file events that
could be relied upon, and read as a whole, because its times and sizes need not change."""
_POLL_BUNDLE: Final = 10.0
"""Seconds between looks at the configuration, which is also watched."""
_log = structlog.get_logger(__name__)


class FileCertificate:
    """A pair in files; a :class:`webhook.certificates.Certificate`.

    Args:
        files: Where the pair is kept.
        bundles: Of the configuration that points to us; ``None`` where there is no cluster.
        metrics: Told of every reload, and what becomes of it.
        clients: Which clients may connect; ``None``: all.

    Raises:
        CertificateError: There is no good pair to start with.
    """

    def __init__(
        self,
        files: CertificateFiles,
        bundles: CaBundleClient | None,
        metrics: Metrics,
        clients: ClientAuthentication | None = None,
    ) -> None:
        self._clients = clients
        self._files = files
        self._bundles = bundles
        self._metrics = metrics
        self._digest = ""
        self._reloads = ReloadLog("certificate", metrics)
        self._serving = ServingContext(metrics, clients)
        self._clock = ApiServerClock()
        self._verification = Verification(self._serving, metrics, self._clock)
        self.context = self._serving.context
        """What the server listens with."""
        self._load()

    @property
    def verified(self) -> bool:
        """See :attr:`webhook.certificates.verification.Verification.verified`."""
        return self._verification.verified

    async def run(self) -> None:
        """Look at the files, and verify by the configuration, until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self._clients is not None:
                group.create_task(self._clients.run())
            if self._bundles is not None:
                watch = self._bundles.watch
                loop = ReconcileLoop(self._verify, watch, _POLL_BUNDLE, self._metrics)
                group.create_task(loop.run())
            while True:
                self.reload()
                if self._bundles is None:
                    self._verification.check()
                await asyncio.sleep(_POLL)

    def reload(self) -> None:
        """Serve the pair that is in the files now, if it is another one and is good.

        Otherwise everything stays as it is; a bad pair is complained about once. One that is out of
        date is bad while a better one is being served.
        """
        try:
            changed = self._load()
        except CertificateError as error:
            self._reloads.failed(error)
            return
        self._reloads.readable()
        if changed:
            self._reloads.succeeded(fingerprint=self._digest[:16])

    def _load(self) -> bool:
        """Take the pair from the files into use; tell whether it is another one than before."""
        try:
            chain, key = (path.read_bytes() for path in _one_version(self._files))
            digest = hashlib.sha256(chain + key).hexdigest()
            if digest == self._digest:
                return False
            worse = self._worse(chain)
            if not worse:
                self._serving.use(chain, key)
        except (OSError, CertificateError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise CertificateError(
                f"{self._files.certificate} and {self._files.key} cannot be served: {why}. "
                "Put a PEM certificate and its own unencrypted key there."
            ) from error
        if worse:
            raise CertificateError(worse)
        self._digest = digest
        if not self._serving.in_date(self._clock.now()):
            _log.error("certificate-out-of-date", file=str(self._files.certificate))
        self._verification.check()
        return True

    def _worse(self, chain: bytes) -> str:
        """Tell why what is being served is better than what is in the files; empty: it is not.

        What is in date is better than what is not, and of two that are not the later one. Asked
        again at each look, since time passes.
        """
        now = self._clock.now()
        new = next(iter(bundle.read(chain)), None)
        old = self._serving.leaf
        if new is None or old is None or bundle.valid(new, now):
            return ""
        if not bundle.valid(old, now) and new.not_valid_after_utc >= old.not_valid_after_utc:
            return ""
        begins, ends = (
            f"{at:%Y-%m-%d %H:%M}" for at in (new.not_valid_before_utc, new.not_valid_after_utc)
        )
        return (
            f"{self._files.certificate} is out of date (good from {begins} to {ends} UTC), and the "
            "certificate before is better, so that one is served on. Put a pair there that is in "
            "date."
        )

    def _verify(self) -> bool:
        """Read what is published and check it; nothing here changes it, so there is no change."""
        assert self._bundles is not None  # noqa: S101  or nobody would call this
        try:
            self._verification.published, date = self._bundles.read()
            self._clock.update(date)
        except ClusterError as error:
            self._clock.update(error.date)
            raise
        finally:
            self._verification.check()
        return False


def _one_version(files: CertificateFiles) -> tuple[Path, Path]:
    """Find certificate and key of the same version.

    A mounted Secret is a folder of links through ``..data``, which kubelet swaps as a whole: paths
    that are resolved one by one could belong to two certificates, so the folder is resolved once.

    Source:
        k8s.io/kubernetes pkg/volume/util/atomic_writer.go.
    """
    folder = files.certificate.parent
    swapped = folder / "..data"
    if files.key.parent != folder or not swapped.exists():
        return files.certificate, files.key
    version = swapped.resolve(strict=True)
    return version / files.certificate.name, version / files.key.name
