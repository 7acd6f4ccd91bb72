"""`POST /graphql`: one document, one transaction. What its errors are told as: `faults`."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLSchema,
    NoUnusedVariablesRule,
    OperationType,
    execute_sync,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.execution import Executor

from server.protocol import not_offered
from server.protocol.context import Context
from server.protocol.cost import refuse_costly, refuse_long
from server.protocol.faults import Answer, told
from server.protocol.json_values import parse_object
from server.protocol.room import SMALL_BYTES
from server.refusal import RefusalError

MAX_TOKENS = 8000
MOST_KNOWN = 512
# The client fills one text in several ways and leaves variables of the others declared.
RULES = tuple(rule for rule in specified_rules if rule is not NoUnusedVariablesRule)
# The client would repeat a 503 for minutes and then hide its message.
FAULT_STATUS = 400
OpenContext = Callable[[bool], AbstractContextManager[Context]]


class Endpoint:
    """Executes documents against a schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._mutations: set[str] = set()

    def writes_little(self, body: bytes) -> bool:
        """Whether a request is a small one that changes something, by a document that was carried out before.

        Such a one may share its transaction with others; which it is, is known without parsing the document again.
        """
        if len(body) > SMALL_BYTES or b"mutation" not in body:
            return False
        try:
            return json.loads(body).get("query") in self._mutations
        except (ValueError, AttributeError, TypeError, RecursionError):
            return False

    def answer(self, body: bytes, open_context: OpenContext) -> Answer | None:
        """Executes one request.

        Args:
            body: JSON with `query`, `variables`, `operationName`.
            open_context: gives the context of the document's one transaction; its argument tells whether it writes.

        Returns:
            None if that was a slice, which is stored: the request is to be executed again.
        """
        try:
            return self._execute(body, open_context)
        except Exception as error:
            return told(error, FAULT_STATUS)

    def _execute(self, body: bytes, open_context: OpenContext) -> Answer | None:
        request = parse_object(body, "a GraphQL request")
        query, variables = request.get("query"), request.get("variables") or {}
        if not isinstance(query, str) or not isinstance(variables, dict):
            raise RefusalError("a GraphQL request needs a `query` text and, if any, a `variables` object")
        document = _prepared(self._schema, query)
        # Operations that come from W&B's Python code have an empty name.
        name = request.get("operationName") or None
        operation = get_operation_ast(document, name)
        if operation is None:
            raise RefusalError(f"the document has no single operation named {name!r}")
        refuse_costly(self._schema, document, operation, variables)
        writes = operation.operation is OperationType.MUTATION
        with open_context(writes) as context:
            context.slices.more = False
            data = self._data(document, context, variables, name)
        if context.slices.more:
            return None
        if writes and get_operation_ast(document) and len(self._mutations) < MOST_KNOWN:
            self._mutations.add(query)
        for complaint in context.complaints:
            raise complaint
        return Answer(200, {"data": data})

    def _data(self, document: DocumentNode, context: Context, variables: dict[str, Any], name: str | None) -> Any:
        try:
            result = execute_sync(
                self._schema,
                document,
                context_value=context,
                variable_values=variables,
                operation_name=name,
                executor_class=_Ending,
            )
        except _OverError:
            context.tx.refuse_late()
            raise
        _raise_first(result)
        return result.data


class _OverError(BaseException):
    """A document's time is over; no exception of a field, for each of which others would still be tried."""


class _Ending(Executor[Any]):
    """Looks before each field whether there is time for it, also where the database is asked nothing."""

    def execute_field(self, *args: Any, **kwargs: Any) -> Any:
        if self.context_value.tx.is_late():
            raise _OverError
        return super().execute_field(*args, **kwargs)


@lru_cache(maxsize=MOST_KNOWN)
def _prepared(schema: GraphQLSchema, query: str) -> DocumentNode:
    """Parses a document and looks whether it can be asked; keeps it, since the client sends a fixed set of them."""
    try:
        document = parse(query, max_tokens=MAX_TOKENS)
    except RecursionError as error:
        raise RefusalError("the document is nested too deeply") from error
    refuse_long(document)
    problems = validate(schema, document, RULES)
    if problems:
        raise not_offered.refusal(schema, document, problems[0])
    return document


def _raise_first(result: ExecutionResult) -> None:
    """Lets the first error out, so that a mutation's transaction is rolled back as a whole."""
    if result.errors:
        raise result.errors[0].original_error or result.errors[0]
