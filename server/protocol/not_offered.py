"""What to tell a client that asks for a product of W&B's which this server is not: its name, and what to use instead.

The client's documents name their products: in operations, types and fields. What none of these patterns knows is told
in GraphQL's words, without its guess at what was meant: nobody typed the document.
"""

import re
from dataclasses import dataclass
from typing import Final

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    NameNode,
    Visitor,
    visit,
)

from server.refusal import RefusalError

PAGE: Final = "docs/not-offered.md"
GUESS: Final = re.compile(r" Did you mean .*", re.DOTALL)


@dataclass(frozen=True)
class Feature:
    """A product of W&B's, how its documents are known, and what does its work here."""

    name: str
    pattern: str
    instead: str


REGISTRIES: Final = Feature(
    "organizations and registries",
    r"registr|orginfo",
    "a sweep's models are versions of one artifact, and `python -m app best` fetches the best",
)
TEAMS: Final = Feature(
    "users and teams made by programs",
    r"invite|createteam|serviceaccount|createuser|generateapikey|deleteapikey|ratelimits",
    "`python -m server user add NAME` and `team add NAME USER...` where the server runs",
)
# Asked for by fields that the schema has.
REWINDING: Final = Feature("rewinding and forking of runs", "", "make a run of its own, or `resume` the same one")

FEATURES: Final = (
    Feature(
        "automations", r"automation|trigger|integration", "let a program read the sweep with `wandb.Api()` and act"
    ),
    Feature("custom charts", "customchart", "log `wandb.plot`'s own, or a table that a program of yours draws"),
    Feature(
        "launch queues",
        r"runqueue|launch|resourceconfig|jobartifact",
        "start `wandb agent` where runs are to be made, as `make up` and docker compose do",
    ),
    REGISTRIES,
    Feature("reports", r"views?$|createview|upsertview|deleteview", "`make report` writes report.html and results.csv"),
    TEAMS,
)


def refused(feature: Feature) -> RefusalError:
    """The one sentence about a feature, with a status that the client does not try again."""
    return RefusalError(f"this server has no {feature.name}; instead: {feature.instead}. More: {PAGE}", status=501)


class _Names(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def enter_name(self, node: NameNode, *_: object) -> None:
        self.found.append(node.value)


def refusal(schema: GraphQLSchema, document: DocumentNode, problem: GraphQLError) -> RefusalError:
    """What a document that the schema does not know is answered with. Neither status is tried again by the client."""
    names = _Names()
    visit(document, names)
    unknown = set(names.found) - _known(schema)
    for feature in FEATURES:
        if any(re.search(feature.pattern, name, re.IGNORECASE) for name in unknown):
            return refused(feature)
    return RefusalError(f"{GUESS.sub('', problem.message)} This server does not offer that. More: {PAGE}")


def _known(schema: GraphQLSchema) -> set[str]:
    types = [type for type in schema.type_map.values() if isinstance(type, GraphQLObjectType | GraphQLInputObjectType)]
    return {*schema.type_map, *(name for type in types for name in type.fields)}
