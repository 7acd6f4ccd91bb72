"""XLA for the steps of whole epochs on a CPU: each takes a third less time, or better, and has other last digits."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from app.machine.compile_cache import CompileCache
from app.training import variables
from app.training.whole_epochs import Steps

# Under XLA on a CPU, what TensorFlow takes by itself is ten times slower.
GENERATOR = "threefry"
DRAWS = ("stateless_uniform", "stateless_normal", "stateless_truncated_normal")

# Rates of Dropout are an input of the program, which so serves every rate; those of layers beyond are part of it.
MOST_RATES = 32

# Operations that XLA seeds from the clock, whatever seed TensorFlow has been given.
DRAWN_ANEW = ("Random", "TruncatedNormal", "ParameterizedTruncatedNormal", "Multinomial")

SLOW = ("Conv2D", "Conv3D", "DepthwiseConv2dNative")


class CannotCompile(Exception):
    """XLA cannot compile a model's steps, would not repeat them or not gain by them; the message says why."""


def wanted(model: keras.Model) -> bool:
    """Whether a compiled Keras model asks for XLA on a CPU. A GPU's steps are compiled as Keras compiles them."""
    return bool(model.jit_compile) and not tf.config.list_physical_devices("GPU")


def steps(take_steps: Steps, rows: int, cache: CompileCache | None = None) -> Steps:
    """Compiles the steps of an epoch.

    Args:
        take_steps: takes int32[rows] and two int32.
        cache: has the program, or keeps it; None does neither.

    Raises:
        CannotCompile: before any step is done.
    """
    used: list[float] = []

    def take(order: tf.Tensor, first: tf.Tensor, end: tf.Tensor, rates: tf.Tensor) -> None:
        used.clear()  # it is traced twice if it makes variables
        with _suited(rates, used):
            take_steps(order, first, end)

    number = tf.TensorSpec([], tf.int32)
    inputs = [tf.TensorSpec([rows], tf.int32), number, number, tf.TensorSpec([MOST_RATES], tf.float32)]
    with variables.made_at_once():
        run = tf.function(take, autograph=False, jit_compile=True, input_signature=inputs).get_concrete_function()
    graph = run.graph.as_graph_def()
    if reason := _why_not(_kinds(graph)):
        raise CannotCompile(reason)
    rates = tf.constant([*used, *[0.0] * (MOST_RATES - len(used))], tf.float32)
    named = run.name + graph.SerializeToString(deterministic=True)  # TensorFlow goes by the name too
    try:
        with cache.of(named) if cache else nullcontext():
            run(tf.range(rows), tf.constant(0), tf.constant(0), rates)  # no step: it is compiled, and changes nothing
    except (tf.errors.OpError, OSError) as error:
        raise CannotCompile(str(error).splitlines()[0].partition(" (")[0]) from error
    return lambda order, first, end: run(order, first, end, rates)


@contextmanager
def _suited(rates: tf.Tensor, used: list[float]) -> Iterator[None]:
    """Makes what is traced inside draw by `GENERATOR`, and take the rates of Dropout from `rates`, named in `used`."""
    drop = tf.nn.experimental.stateless_dropout

    def dropout(x: Any, rate: Any, *others: Any, **options: Any) -> tf.Tensor:
        if isinstance(rate, float) and len(used) < MOST_RATES:
            used.append(rate)
            rate = tf.cast(rates[len(used) - 1], x.dtype)
        return drop(x, rate, *others, **{"rng_alg": GENERATOR, **options})

    instead = {name: partial(getattr(tf.random, name), alg=GENERATOR) for name in DRAWS}
    with _replaced(tf.nn.experimental, {"stateless_dropout": dropout}), _replaced(tf.random, instead):
        yield


@contextmanager
def _replaced(place: Any, instead: dict[str, Any]) -> Iterator[None]:
    before = {name: getattr(place, name) for name in instead}
    try:
        for name, function in instead.items():
            setattr(place, name, function)
        yield
    finally:
        for name, function in before.items():
            setattr(place, name, function)


def _kinds(graph: tf.compat.v1.GraphDef) -> list[str]:
    """The operations of a graph and of all that it calls."""
    inner = (node for function in graph.library.function for node in function.node_def)
    return sorted({node.op for nodes in (graph.node, inner) for node in nodes})


def _why_not(kinds: Sequence[str]) -> str | None:
    if anew := [kind for kind in kinds if kind.startswith(DRAWN_ANEW)]:
        return f"{', '.join(anew)} would draw other numbers each time"
    if slow := [kind for kind in kinds if kind in SLOW]:
        return f"{', '.join(slow)} would take several times as long on a CPU"
    return None
