"""Variables that the first step makes, such as an optimizer's, made at once: so the step is traced once, not twice."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import tensorflow as tf


def made_at_once() -> AbstractContextManager[None]:
    """Makes the variables of what is traced while this lasts outside of its graph.

    `tf.function` traces a function that makes variables a second time, without them, and adds a condition for each.
    """
    scope: AbstractContextManager[None] = tf.variable_creator_scope(_outside)
    return scope


def _outside(make: Callable[..., tf.Variable], **options: Any) -> tf.Variable:
    try:
        with tf.init_scope():
            return make(**{**options, "experimental_enable_variable_lifting": False})
    except (TypeError, ValueError):  # its first value is a tensor of the graph
        return make(**options)
