"""Manifests as kubectl reads them: from the text of a file to Kubernetes objects.

How the text goes, in ``preview`` and in a file of Namespaces:

1. ``objects`` decodes the bytes of a file and gives its text to ``documents``, which asks
2. ``stream`` where its documents begin and end. ``stream`` also makes data of documents in JSON.
3. ``yaml_text`` turns the text of a document in YAML into events, of which ``values`` makes data.
4. ``documents`` hands back each document as data and as ``nodes``, which know where in the text
   everything stands. Nodes are composed when somebody asks for them: by ``stream`` for JSON, by
   ``yaml_text`` for YAML. ``objects`` finds the Kubernetes objects in the document.
5. Where settings are to be written, ``webhook.offline.bake`` puts them into the text, reads what
   came of it in the same way, and compares; ``webhook.offline.render`` prints the text.

So six modules have the text in their hands: objects, documents, stream, yaml_text, bake, render.
"""
