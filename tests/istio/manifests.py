"""The objects of an installation, as istioctl renders them."""

import re
from typing import Self

import yaml

from tests.controlplane import JsonObject

_WEBHOOKS = "MutatingWebhookConfiguration"
_KIND = re.compile(r"^kind: (\S+)$", re.MULTILINE)


class Manifests:
    """The documents of one rendering.

    They stay text: reading a megabyte of CustomResourceDefinitions takes longer than installing it.
    """

    def __init__(self, documents: list[tuple[str, str]]) -> None:
        """Take the documents, each with its kind."""
        self._documents = documents

    @classmethod
    def read(cls, text: str) -> Self:
        """Split what istioctl prints."""
        documents = re.split(r"^---$", text, flags=re.MULTILINE)
        return cls([(kind[1], each) for each in documents if (kind := _KIND.search(each))])

    def all_but_the_injector(self) -> str:
        """Return everything that is there before the injector is registered, as YAML."""
        return "---".join(document for kind, document in self._documents if kind != _WEBHOOKS)

    def config_maps(self) -> str:
        """Return what istiod reads while it runs, as YAML."""
        return "---".join(document for kind, document in self._documents if kind == "ConfigMap")

    def injector(self, url: str, name: str | None) -> JsonObject:
        """Return the injector's MutatingWebhookConfiguration.

        Args:
            url: where istiod answers it.
            name: another name for it, if any.
        """
        (document,) = (document for kind, document in self._documents if kind == _WEBHOOKS)
        configuration: JsonObject = yaml.load(document, yaml.CSafeLoader)
        for webhook in configuration["webhooks"]:
            webhook["clientConfig"] = {"url": url}
        if name is not None:
            configuration["metadata"]["name"] = name
        return configuration
