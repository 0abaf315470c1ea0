"""What is done to which kinds of objects, and with which words: the mutations that there are."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from webhook.admission import pods, services
from webhook.admission.decision import CommonReason, Reason
from webhook.admission.mutation import Mutation
from webhook.admission.review import creation_of

MUTATIONS: Final[tuple[Mutation[Any], ...]] = (pods.MUTATION, services.MUTATION)
"""Everything that is done to objects: the one place where a mutation is registered.

The results of several mutations of one kind stand in this order everywhere.
"""


class Kind(NamedTuple):
    """A kind of object that there are mutations for."""

    decoder: msgspec.json.Decoder[Any]
    """Decodes an object of this kind."""
    creation: msgspec.json.Decoder[Any]
    """Decodes a review of the creation of such an object, object and all."""
    mutations: Mapping[str, tuple[Mutation[Any], ...]]
    """For each operation (``CREATE``) the mutations that apply at it, as they were registered."""


def register(mutations: Sequence[Mutation[Any]]) -> dict[tuple[str, str], Kind]:
    """Index mutations by what a review says of its object: API group and kind.

    Args:
        mutations: In the order in which their results shall stand.

    Raises:
        ValueError: Two mutations of one kind set the same member, or one of them sets a member
            inside of what the other one sets: one patch could not do both.
    """
    for first, second in itertools.combinations(mutations, 2):
        depth = min(len(first.member), len(second.member))
        if first.kind is second.kind and first.member[:depth] == second.member[:depth]:
            member = ".".join(first.member)
            raise ValueError(f"Two mutations of {first.kind.__name__} set {member}.")
    kinds: dict[tuple[str, str], Kind] = {}
    for kind in {each.kind for each in mutations}:
        own = [each for each in mutations if each.kind is kind]
        operations = {operation for each in own for operation in each.operations}
        by_operation = {
            operation: tuple(each for each in own if operation in each.operations)
            for operation in operations
        }
        decoders = msgspec.json.Decoder(kind), msgspec.json.Decoder(creation_of(kind))
        kinds[kind.GROUP_KIND] = Kind(*decoders, by_operation)
    return kinds


def reasons_of(mutations: Iterable[Mutation[Any]]) -> dict[str, Reason]:
    """Index the reasons of mutations, and those that all kinds share, by their words.

    Args:
        mutations: The mutations; several of them may give the reasons of one enum.

    Raises:
        ValueError: Two reasons have the same word.
    """
    enums: dict[type[Reason], None] = {CommonReason: None}
    enums |= dict.fromkeys(each.reasons for each in mutations)
    found: dict[str, Reason] = {}
    for reason in itertools.chain.from_iterable(enums):
        if reason in found:
            raise ValueError(f"Two reasons have the word {reason}.")
        found[reason.value] = reason
    return found


# Here and not at the top, because Python has to know the functions that make them.
REASONS: Final = reasons_of(MUTATIONS)
"""Every reason, by its word."""
KINDS: Final = register(MUTATIONS)
"""Every kind that there are mutations for, by API group and kind."""
