"""Istio: an installation of Istio's control plane that runs as long as a test needs it."""

import functools
import os
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.controlplane import ControlPlane
from tests.istio import applying, binary
from tests.istio.istiod import Istiod
from tests.istio.kubelets import OldKubelet
from tests.istio.manifests import Manifests
from tests.istio.probe import Probe
from tests.istio.registration import Registration
from tests.istio.settings import Settings

_DEFAULT_REVISION = "default"
_EFFECT_SECONDS = 60.0
_DEFAULTS = Settings()


class Istio:
    """Istio of one revision in a control plane, from `start` to `stop` or in a `with` block.

    The cluster holds what istioctl renders, and the real istiod injects, beside the control plane.
    Installations of several revisions can be there at the same time.
    """

    def __init__(
        self,
        plane: ControlPlane,
        folder: Path,
        *,
        revision: str = _DEFAULT_REVISION,
        start_timeout_seconds: float = 60.0,
    ) -> None:
        """Describe an installation and find its binary; nothing runs yet.

        Args:
            plane: the control plane to install into; runs when this starts.
            folder: where istiod's files go; made if need be.
            revision: the label `istio.io/rev` of the namespaces in which it injects. The default
                one also answers to `istio-injection=enabled`.
            start_timeout_seconds: how long istiod may take to become ready.

        Raises:
            ComponentMissingError: it has not been built; the message says what to do.
        """
        binary.command("pilot-discovery")
        self._plane = plane
        self._folder = folder.resolve()
        self._revision = revision
        self._start_timeout_seconds = start_timeout_seconds
        # Nothing else of the user's environment: no proxy, no kubeconfig, no home.
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._folder),
        }
        self._probe = Probe(plane, revision)
        self._istiod: Istiod | None = None
        self._registration = Registration(plane, self._probe)
        self._old_kubelet = OldKubelet(plane)
        self._settings = _DEFAULTS

    def __enter__(self) -> Self:
        """Start; see `start`."""
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop; see `stop`."""
        self.stop()

    @property
    def pid(self) -> int | None:
        """Process id of istiod while it runs."""
        return self._istiod.pid if self._istiod else None

    @property
    def xds_address(self) -> str | None:
        """Where istiod tells proxies their configuration, while it runs."""
        return self._istiod.xds_address if self.pid and self._istiod else None

    @property
    def settings(self) -> Settings:
        """What `configure` was told last."""
        return self._settings

    def start(self) -> None:
        """Install it, start istiod and wait until a Pod is injected; if that fails, stop again.

        Raises:
            StartError: istiod ended or was not ready in time; shows the end of its log.
            TimeoutError: no Pod is injected.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            manifests = self._rendered(_DEFAULTS)
            applying.install(self._plane, manifests)
            self._probe.prepare()
            account = f"istiod{self._suffix}"
            kubeconfig = self._plane.kubeconfig_for(account, applying.NAMESPACE)
            self._istiod = Istiod(self._folder, kubeconfig, self._revision, self._environment)
            self._istiod.start(self._start_timeout_seconds)
            self._put_in_force(_DEFAULTS, manifests)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop istiod and have the API server no longer call it; fine if it does not run.

        The other objects stay: without istiod they do nothing.
        """
        with ExitStack() as last_first:  # goes on to the next one even if one fails
            if self._istiod:
                last_first.callback(self._istiod.stop)
            last_first.callback(self._registration.remove)
            last_first.callback(self._old_kubelet.leave)

    def configure(self, settings: Settings = _DEFAULTS) -> None:
        """Put settings in force while istiod runs, and wait until a Pod shows them.

        Args:
            settings: all of them; without an argument, those that Istio has by default.

        Raises:
            TimeoutError: they are not in force.
        """
        self._put_in_force(settings, self._rendered(settings))

    def _rendered(self, settings: Settings) -> Manifests:
        values = settings.values()
        if self._suffix:
            # As Istio has it for a second revision: no second gateway.
            values |= {"profile": "minimal", "revision": self._revision}
        return _rendered(tuple(values.items()))

    def _put_in_force(self, settings: Settings, manifests: Manifests) -> None:
        if self._istiod is None or self._istiod.pid is None:
            raise RuntimeError("istiod does not run")
        self._settings = settings
        applying.apply(self._plane, manifests.config_maps())
        if settings.native_sidecars:
            self._old_kubelet.leave()
        else:
            self._old_kubelet.join()
        self._registration.replace(
            manifests.injector(self._istiod.url, settings.configuration_name), _EFFECT_SECONDS
        )
        self._probe.wait_until(settings.shown_by, _EFFECT_SECONDS, f"Istio to follow {settings}")

    @property
    def _suffix(self) -> str:
        """What the names of this revision's objects end in."""
        return "" if self._revision == _DEFAULT_REVISION else f"-{self._revision}"


@functools.cache
def _rendered(values: tuple[tuple[str, str], ...]) -> Manifests:
    """Have istioctl render values, each set of them once: it takes most of a second."""
    # Nothing else of the user's environment, and no home: it needs none.
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": os.devnull}
    return Manifests.read(binary.render(dict(values), environment))
