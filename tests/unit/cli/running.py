"""The command line as users run it: in this process, or in a shell."""

import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from webhook.cli import main

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {}}}
"""
CONFLICT = """\
apiVersion: v1
kind: Service
metadata: {name: lb}
spec: {type: LoadBalancer, selector: {app: lb}, externalTrafficPolicy: Cluster}
"""


def run(*args: str, stdin: str = "", **environment: str) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(main, args, input=stdin, env=environment)


def namespaces_file(folder: Path) -> str:
    """Write a file of namespaces."""
    file = folder / "namespaces.yaml"
    file.write_text("{apiVersion: v1, kind: Namespace, metadata: {name: a}}")
    return str(file)


def sentence(result: Result) -> str:
    """Take the sentence of an error out of what was printed."""
    return result.stderr.rpartition("Error: ")[2].strip()


def shell(line: str, stdin: str = DEPLOYMENT) -> subprocess.CompletedProcess[str]:
    """Run a line of shell in which ``$P`` is the command."""
    program = f"{sys.executable} -m webhook"
    return subprocess.run(  # noqa: S603
        ["/bin/sh", "-c", line.replace("$P", program)],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
