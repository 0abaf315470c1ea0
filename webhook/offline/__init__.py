"""What works without a cluster: ``preview`` and ``demo``.

``sources`` finds and reads the manifests, ``creation`` makes the objects that come of them,
``apiserver`` asks about each as the API server does, ``preview`` puts the answers together
(``remarks``: what no answer says), ``bake`` writes the settings into the manifests, and ``table``
and ``render`` show it all. ``demo`` asks a real server instead of the functions of this process.
"""
