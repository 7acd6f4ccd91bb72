"""What a request would cost, counted before any of it runs: one that nobody waits for is refused with its figures.

W&B's client stays far below: its largest document has some 60 fields, a page of 1,000 whole runs 125,000 values.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

from server.refusal import RefusalError

MOST_FIELDS: Final = 600  # validation compares each with each
MOST_VALUES: Final = 2_000_000
MOST_READS: Final = 50
MOST_CHANGES: Final = 20
MOST_VALUES_OF_CHANGES: Final = 50_000
# A list that is asked for without `first` may be as long as it likes.
USUAL_LENGTH: Final = 1_000
# Lists of the one user, and of what it has none of.
SHORT: Final = ("users", "teams", "apiKeys")
# Fields for which many rows are read, and what such a reading counts for.
ROWS: Final = ("history", "sampledHistory", "historyKeys", "events", "logLines", "files", "fileCount")
LISTS: Final = ("runs", "runCount", "sweeps", "totalSweeps", "agents")
READS: Final = frozenset((*ROWS, *LISTS))
READ_VALUES: Final = 100


@dataclass(frozen=True)
class Cost:
    """How many values would be given, and how many fields of the document, its fragments written out, read rows."""

    values: int = 0
    reads: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.values + other.values, self.reads + other.reads)


def refuse_long(document: DocumentNode) -> None:
    """Refuses a document before it is validated.

    Raises:
        RefusalError: it has more than 600 fields.
    """
    fields = sum(1 for each in document.definitions for _ in fields_of(getattr(each, "selection_set", None)))
    if fields > MOST_FIELDS:
        raise RefusalError(f"the document has {fields:,} fields; at most {MOST_FIELDS:,} are answered")


def refuse_costly(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> None:
    """Refuses a valid document before it runs.

    Raises:
        RefusalError: it would give more than 2,000,000 values, or read rows for more than 50 fields; one that changes
            something, for which others wait, 50,000 values, or more than 20 changes.
    """
    cost = _Counting(document, variables).of(operation.selection_set, schema.get_root_type(operation.operation))
    changes = operation.operation is OperationType.MUTATION
    if changes and len(operation.selection_set.selections) > MOST_CHANGES:
        raise RefusalError(f"the document makes more than {MOST_CHANGES} changes at once: send several")
    most_values = MOST_VALUES_OF_CHANGES if changes else MOST_VALUES
    if cost.reads > MOST_READS:
        raise RefusalError(
            f"the document asks {cost.reads:,} times for rows or lists; at most {MOST_READS} such fields are answered "
            "in one: send several"
        )
    if cost.values > most_values:
        raise RefusalError(
            f"the document asks for up to {cost.values:,} values; at most {most_values:,} are given at once: ask for "
            f"fewer by `first` (a list without it counts as {USUAL_LENGTH:,}), or nest fewer lists"
        )


class _Counting:
    """One document's costs; each fragment is counted once, however often it is spread."""

    def __init__(self, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._known: dict[tuple[str, str], Cost] = {}

    def of(self, selected: SelectionSetNode | None, parent: Any) -> Cost:
        cost = Cost()
        for node in selected.selections if selected else ():
            if isinstance(node, FieldNode):
                cost += self._field(node, parent)
            elif isinstance(node, FragmentSpreadNode):
                cost += self._fragment(node.name.value, parent)
            elif isinstance(node, InlineFragmentNode):
                cost += self.of(node.selection_set, parent)
        return cost

    def _fragment(self, name: str, parent: Any) -> Cost:
        key = (name, str(parent))
        if key not in self._known:
            self._known[key] = self.of(self._fragments[name].selection_set, parent)
        return self._known[key]

    def _field(self, node: FieldNode, parent: Any) -> Cost:
        name = node.name.value
        field = parent.fields.get(name) if isinstance(parent, GraphQLObjectType) else None
        type = get_named_type(field.type) if field else None
        inner = self.of(node.selection_set, type)
        given = {each.name.value: self._value(each.value) for each in node.arguments or ()}
        times = len(given["specs"]) if isinstance(given.get("specs"), list) else 1
        reads = times if name in READS else 0
        length = _length(given) if str(type).endswith("Connection") and name not in SHORT else 1
        return Cost(1 + reads * READ_VALUES + length * inner.values, reads + inner.reads)

    def _value(self, node: Any) -> Any:
        if isinstance(node, VariableNode):
            return self._variables.get(node.name.value)
        if isinstance(node, ListValueNode):
            return list(node.values)
        return int(node.value) if isinstance(node, IntValueNode) else None


def _length(given: Mapping[str, Any]) -> int:
    if isinstance(given.get("names"), list) and given["names"]:
        return len(given["names"])
    asked = [value for value in (given.get("first"), given.get("last")) if isinstance(value, int)]
    return max(0, min(asked)) if asked else USUAL_LENGTH


def fields_of(selected: SelectionSetNode | None) -> Iterator[FieldNode]:
    """All fields that a document writes out, also the nested ones."""
    for node in selected.selections if selected else ():
        if isinstance(node, FieldNode):
            yield node
        yield from fields_of(getattr(node, "selection_set", None))
