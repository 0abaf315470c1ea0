"""An API server that cannot call the webhook, or says things of it that nobody likes to hear."""

import contextlib
import datetime as dt
import json
import os
import re
import signal
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from tests.inspection.admin import Admin, workload
from tests.inspection.ill_installation import CONFIGURATION, replicas, rolled_out
from tests.inspection.proxy import Proxy

Json = dict[str, Any]


@contextlib.contextmanager
def told(_admin: Admin, proxy: Proxy) -> Iterator[None]:
    """Have an API server that says it is old, and calls slow, and for which a year has passed.

    None of that year has passed for those who renew certificates, and calls take a thousandth of
    what it says.
    """

    def say(path: str, content: Json) -> None:
        if path == "/version":
            content["gitVersion"] = "v1.29.3"

    def say_in_text(path: str, text: bytes) -> bytes:
        if path != "/metrics":
            return text
        return _SECONDS.sub(lambda match: b"%s %f" % (match[1], float(match[2]) * 1000), text)

    proxy.ahead = dt.timedelta(days=366)
    proxy.change, proxy.change_text = say, say_in_text
    yield
    proxy.ahead = dt.timedelta()
    proxy.change, proxy.change_text = None, lambda _path, text: text


_SECONDS: Final = re.compile(
    rb"^(apiserver_admission_webhook_admission_duration_seconds_sum\{.*\}) (\S+)$", re.MULTILINE
)


@contextlib.contextmanager
def silent(admin: Admin, _proxy: Proxy) -> Iterator[None]:
    """Let the replicas hang, Pods being refused without them, and Services let through."""
    admin.namespace("waiting", opted="enabled")
    _set_failure_policy(admin, "Fail")
    held = [pid for pod in replicas(admin) for pid in admin.cluster.processes(pod, "webhook")]
    for pid in held:
        os.kill(pid, signal.SIGSTOP)
    try:
        pod = {
            "metadata": {"generateName": "late-"},
            "spec": workload()["spec"]["template"]["spec"],
        }
        # The change of the policy takes a moment to reach the API server's admission.
        admin.wait_for(
            lambda: (
                admin.cluster.request("POST", "/api/v1/namespaces/waiting/pods", pod).status
                != HTTPStatus.CREATED
            ),
            "Pods to be refused",
        )
        yield
    finally:
        for pid in held:
            with contextlib.suppress(ProcessLookupError):  # kubelet may have replaced it
                os.kill(pid, signal.SIGCONT)
    _set_failure_policy(admin, "Ignore")
    admin.kubectl("delete", "namespace", "waiting", "--wait=false")
    rolled_out(admin)


def _set_failure_policy(admin: Admin, policy: str) -> None:
    """Set what becomes of Pods while nobody answers."""
    patch = json.dumps([{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": policy}])
    admin.kubectl("patch", CONFIGURATION, "--type=json", f"--patch={patch}")
