"""What memory makes of lists, events and lookups that come in any order."""

import gc

import pytest

from webhook.namespaces.store import Namespace, NamespaceMetadata, NamespaceStore


def namespace(name: str, revision: str, **labels: str) -> Namespace:
    """Make a namespace."""
    return Namespace(NamespaceMetadata(name, revision, labels or None))


@pytest.fixture
def store() -> NamespaceStore:
    """Make a store that has listed one namespace at revision 10."""
    store = NamespaceStore()
    store.replace([namespace("a", "5", x="1")], "10")
    return store


def test_list_replaces_everything(store: NamespaceStore) -> None:
    """What is not in a newer list is gone, even when an older list's revision was higher."""
    store.replace([namespace("b", "2")], "3")
    assert store.get("a") is None
    assert store.get("b") == {}
    assert len(store) == 1
    assert store.resource_version == "3"


def test_namespaces_are_nothing_for_the_garbage_collector() -> None:
    """However many there are, a collection does not get longer."""
    store = NamespaceStore()
    gc.collect()
    before = len(gc.get_objects())
    store.replace([namespace(str(n), "5", x="1") for n in range(1000)], "10")
    gc.collect()
    assert len(gc.get_objects()) - before < 100


@pytest.mark.parametrize("event", ["BOOKMARK", "INVENTED-LATER"])
def test_bookmark_tells_the_revision_only(store: NamespaceStore, event: str) -> None:
    """A bookmark, and an event of a type unknown to us, moves the revision and nothing else."""
    store.apply(event, namespace("", "12"))
    assert store.resource_version == "12"
    assert len(store) == 1


def test_event_without_revision_keeps_the_last(store: NamespaceStore) -> None:
    """The next watch never starts from nowhere, which would mean a different thing."""
    store.apply("BOOKMARK", namespace("", ""))
    assert store.resource_version == "10"


def test_lookup_ahead_of_the_watch_is_kept(store: NamespaceStore) -> None:
    """Events from before a lookup do not undo it, the ones after it do."""
    store.add(namespace("a", "15", x="2"))
    store.apply("MODIFIED", namespace("a", "12", x="old"))
    assert store.get("a") == {"x": "2"}
    store.apply("MODIFIED", namespace("a", "16", x="3"))
    assert store.get("a") == {"x": "3"}


def test_late_answer_does_not_revive_a_deleted_namespace(store: NamespaceStore) -> None:
    """A lookup that was long under way loses against the deletion that the watch has told."""
    store.apply("DELETED", namespace("a", "12"))
    store.add(namespace("a", "5", x="1"))
    assert store.get("a") is None


def test_revision_that_is_no_number_is_old(store: NamespaceStore) -> None:
    """An API server that counts otherwise is believed by its watch alone."""
    store.add(namespace("b", "abc"))
    assert store.get("b") is None
    store.apply("ADDED", namespace("b", "abc"))
    assert store.get("b") == {}
