"""``python -m tests.chart.release apply|uninstall KUBECONFIG``: Helm in a process of its own.

The library inside helm-python-sdk is Go: its threads stay in the network in which the process
began, whatever network a test goes into. Values are read from standard input, as JSON.
"""

import json
import sys
from pathlib import Path

from tests.chart.helm import Cluster

if __name__ == "__main__":
    command, kubeconfig = sys.argv[1:]
    cluster = Cluster(Path(kubeconfig))
    if command == "apply":
        cluster.apply(json.load(sys.stdin))
    else:
        cluster.uninstall()
