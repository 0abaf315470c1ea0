"""Manifests as kubectl reads them: from the text of a file to Kubernetes objects.

The modules from the text inwards: ``stream`` (where its documents begin and end; JSON),
``yaml_text`` (the events of YAML), ``values`` (the data that they mean), ``nodes`` (where
everything stands), ``documents`` (data and nodes together), ``objects`` (Kubernetes objects and
their pod templates).
"""
