"""No input field is taken and read by nobody: each is read, or refused, or stands here with its reason."""

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, TypeGuard

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type

from server.protocol.schema import NOUNS, load_schema
from tests.server.speaker import GRID, Speaker

NOT_SHOWN = "no page of this server shows it, and no client reads it back"
A_MARK = "a mark of the client's own, which it does not ask for again"
ID_IS_ENOUGH = "the artifact's id is enough"
MARKED = (
    *("DeleteArtifact", "LinkArtifact", "UnlinkArtifact", "AddAliases", "DeleteAliases"),
    *("UpdateArtifactSequence", "UpdateArtifactPortfolio", "MoveArtifactSequence"),
)
UNREAD = {
    "CreateArtifactInput": {"labels": NOT_SHOWN, "clientMutationId": A_MARK},
    "CreateArtifactManifestInput": dict.fromkeys(("name", "entityName", "projectName", "runName"), ID_IS_ENOUGH),
    "CreateArtifactFilesInput": {
        "clientMutationId": A_MARK,
        "cloudRegionID": "there is one place for bytes",
        "digestAlgorithm": "the feature that lets the client choose is off",
    },
    "CompleteMultipartUploadArtifactInput": dict.fromkeys(
        ("artifactID", "storagePath", "uploadID", "completeMultipartAction", "completedParts"), "refused whole"
    ),
    "UpdateArtifactInput": {"labels": NOT_SHOWN, "clientMutationId": A_MARK},
    "UseArtifactInput": {
        **dict.fromkeys(("artifactEntityName", "artifactProjectName"), ID_IS_ENOUGH),
        "usedAs": "the client keeps it in the run's config",
        "clientMutationId": A_MARK,
    },
    **{f"{name}Input": {"clientMutationId": A_MARK} for name in MARKED},
    **{f"{name}ArtifactCollectionTagAssignmentsInput": {"clientMutationID": A_MARK} for name in ("Create", "Delete")},
    "UpsertModelInput": {
        **dict.fromkeys(("access", "owner", "isPublished"), "whoever has the key may read and write everything"),
        **dict.fromkeys(("dockerImage", "framework", "isBenchmark", "repo", "views"), NOT_SHOWN),
        "allowAllArtifactTypesInRegistry": "there are no registries",
        "clientMutationId": A_MARK,
        "id": "a project is found by its name",
    },
    "CreateAgentInput": dict.fromkeys(("projectName", "entityName"), "the sweep knows its project"),
    "EnqueueSweepRunInput": {"displayName": "the client sends none; a run is called by the number of its point"},
    "AgentHeartbeatInput": {"metrics": "the client sends an empty object"},
    "UpsertBucketInput": {
        "debug": "asks W&B's own staff to look on",
        "jobRepo": "it stands in the run's wandb-metadata.json, too",
    },
    "RewindRunInput": dict.fromkeys(
        ("runName", "entityName", "projectName", "metricName", "metricValue"), "rewinding is refused whole"
    ),
    "MarkRunFilesUploadedInput": {"files": "the upload itself has told of them"},
    "DeleteFilesInput": {"projectId": "a file's id is enough"},
}


EITHER_WAY = "the answer is the same with and without it"
UNREAD_ARGUMENTS = {
    "Organization.featureFlags": {"rampIDType": "no organization is ever told of"},
    "Query.organization": {"name": "there are none"},
    "Project.run": {"desc": "a run's name is enough"},
    "Project.bucket": {"missingOk": EITHER_WAY},
    "Project.artifactTypes": {"includeAll": "all are listed, always"},
    "Run.logLines": {"useImprovedPagination": EITHER_WAY},
    "File.url": {"upload": "read where the node of a run's file is made; a version's files are not uploaded so"},
    "Artifact.filesByManifestEntries": dict.fromkeys(
        ("storageLayout", "manifestVersion", "storageRegion"), "there is one layout, in one place"
    ),
}


def read_by(noun: ModuleType, resolver: str) -> Iterator[str]:
    """The keys that a resolver, or what it calls in its module, takes out of its `input`."""
    functions = {
        node.name: node for node in ast.parse(inspect.getsource(noun)).body if isinstance(node, ast.FunctionDef)
    }
    left, seen = [resolver], set[str]()
    while left:
        name = left.pop()
        seen.add(name)
        for node in ast.walk(functions[name]):
            match node:
                case ast.Subscript(value=ast.Name(id="input"), slice=ast.Constant(value=str(key))):
                    yield key
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="input"), attr="get"), args=[ast.Constant(value=key), *_]
                ):
                    yield str(key)
                case ast.Call(func=ast.Name(id=called)) if called in functions and called not in seen:
                    left.append(called)


def mutations() -> Iterator[tuple[ModuleType, str, Any]]:
    for noun in NOUNS:
        fields: dict[str, dict[str, Any]] = noun.FIELDS
        yield from ((noun, name, resolver) for name, resolver in fields.get("Mutation", {}).items())


def test_each_field_is_read_or_stands_here_with_its_reason() -> None:
    schema = load_schema()
    assert schema.mutation_type is not None
    seen = set()
    for noun, name, resolver in mutations():
        type = get_named_type(schema.mutation_type.fields[name].args["input"].type)
        assert isinstance(type, GraphQLInputObjectType)
        seen.add(name)
        read = set(read_by(noun, resolver.__name__))
        assert type.fields.keys() - read == UNREAD.get(type.name, {}).keys(), type.name
    assert seen == schema.mutation_type.fields.keys()


def reads(resolver: Callable[..., Any]) -> set[str]:
    """The arguments that a resolver reads, or hands on to a function of its module that does."""
    noun = sys.modules[resolver.__module__]
    line = resolver.__code__.co_firstlineno
    node = next(each for each in ast.walk(ast.parse(inspect.getsource(noun))) if is_function_at(each, line))
    body = [part for each in (node.body if isinstance(node.body, list) else [node.body]) for part in ast.walk(each)]
    names = {part.id for part in body if isinstance(part, ast.Name)}
    found = {each.arg for each in node.args.args if each.arg in names}
    for part in body:
        match part:
            case ast.Call(func=ast.Name(id=called), keywords=[*_, ast.keyword(arg=None)]):
                found |= reads(getattr(noun, called))
    return found


def is_function_at(node: ast.AST, line: int) -> TypeGuard[ast.FunctionDef | ast.Lambda]:
    return isinstance(node, ast.FunctionDef | ast.Lambda) and node.lineno == line


def test_each_argument_of_a_field_is_read_or_stands_here_with_its_reason() -> None:
    resolvers: dict[tuple[str, str], Any] = {
        (type, name): resolver
        for noun in NOUNS
        for type, fields in noun.FIELDS.items()
        for name, resolver in fields.items()
    }
    schema = load_schema()
    objects = [type for type in schema.type_map.values() if isinstance(type, GraphQLObjectType)]
    for type in objects:
        for name, field in type.fields.items():
            if type is schema.mutation_type or type.name.startswith("__") or not field.args:
                continue
            resolver = resolvers.get((type.name, name))
            read = reads(resolver) if resolver else set()
            place = f"{type.name}.{name}"
            assert field.args.keys() - read == UNREAD_ARGUMENTS.get(place, {}).keys(), place


def test_an_agents_runs_come_in_the_order_asked_for_and_forwards_only(wb: Speaker) -> None:
    sweep = wb.register(GRID)
    agent = wb.agent(sweep)
    names = [wb.do_trial(agent, sweep) for _ in range(2)]
    document = """query ($sweep: String!, $agent: String!, $order: String, $before: String) { project(name: "p") {
        sweep(sweepName: $sweep) { agent(agentName: $agent) { runs(order: $order, before: $before) {
            edges { node { name } } } } } } }"""

    edges = wb.ask(document, sweep=sweep, agent=agent, order="-name")["project"]["sweep"]["agent"]["runs"]["edges"]

    assert [edge["node"]["name"] for edge in edges] == sorted(names, reverse=True)
    assert wb.post(document, sweep=sweep, agent=agent, before="1").status_code == 501


@pytest.mark.parametrize("field", ["launchScheduler", "templateVariableValues"])
def test_what_belongs_to_w_b_launch_is_refused(wb: Speaker, field: str) -> None:
    document = """mutation ($input: UpsertSweepInput!) { upsertSweep(input: $input) { sweep { name } } }"""
    config = "method: grid\nparameters: {a: {values: [1]}}"

    assert wb.post(document, input={"config": config, field: "{}"}).status_code == 501
    assert wb.post(document, input={"config": config, "templateVariableValues": "null"}).status_code == 200


def test_a_filter_of_sweeps_is_refused(wb: Speaker) -> None:
    wb.register(GRID)
    document = 'query ($filters: JSONString) { project(name: "p") { sweeps(filters: $filters) { edges { cursor } } } }'

    assert wb.post(document, filters='{"state": "RUNNING"}').status_code == 501
    assert len(wb.ask(document, filters="{}")["project"]["sweeps"]["edges"]) == 1
