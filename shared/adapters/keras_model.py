"""A file with a keras.Model, compiled or plain, as a model that can be stepped."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

import numpy as np

from shared.adapters.keras_data import KerasData
from shared.adapters.keras_file import KerasFile, layers_of
from shared.adapters.layout import channels_first, from_kernel, to_kernel
from shared.adapters.loops import why_not
from shared.adapters.port import About, Figures, PortError, listening, numbered, one_hot
from shared.adapters.replacing import replace
from shared.adapters.stand_ins import UnfollowedError
from shared.interface import Array, Parameters

HINTS: Final = ("learning_rate", "momentum", "weight_decay", "epsilon", "beta_1", "beta_2", "rho")


class KerasPort(KerasFile):
    """The model of a file, stepped as `fit` does it: `compute_loss` under a tape, then its optimizer."""

    def _settle(self) -> bool:
        """Take a step, and find what the file does to its data."""
        self._tried()
        self._follow()
        return True

    def probe(self, x: Array, y: Array) -> Array:
        """Take a step as `fit` does; the model gets what it is given."""
        self.step(x, y)
        return x

    # ---- Parameters -----------------------------------------------------------------------------------------

    def _layers(self) -> list[Any]:
        return [layer for layer in layers_of(self.model) if not isinstance(layer, self.keras.Model)
                and layer._trainable_variables]  # fmt: skip

    def _variables(self) -> list[Any]:
        """Return the parameters, those of frozen layers too."""
        return [variable for layer in self._layers() for variable in layer._trainable_variables]

    def _images(self) -> dict[int, tuple[int, ...]]:
        """Return the shape (h, w, c) of what was flattened before a dense layer, by id of the layer."""
        found: dict[int, tuple[int, ...]] = {}
        image = None
        for layer in layers_of(self.model):
            if type(layer).__name__ == "Flatten" and len(shape := self._flattened.get(id(layer), ())) == 3:
                image = shape
            elif type(layer).__name__ == "Dense" and image is not None:
                found[id(layer)], image = image, None
        return found

    def _names(self) -> list[str]:
        kinds: list[tuple[str, ...]] = []
        of = {"kernel": "W", "bias": "b", "gamma": "gamma", "beta": "beta"}
        for layer in self._layers():
            names = [variable.name for variable in layer._trainable_variables]
            if set(names) - set(of) or any(word in type(layer).__name__ for word in ("Transpose", "Depthwise")):
                raise PortError(f"{self.path.name}: the parameters of {type(layer).__name__} ({', '.join(names)}) "
                                "cannot be mapped")  # fmt: skip
            kinds.append(tuple(of[name] for name in names))
        return numbered(kinds)

    def _taken(self, arrays: list[Any]) -> Parameters:
        """Return arrays of the model's shapes as those that all frameworks share."""
        images, found = self._images(), []
        owners = [layer for layer in self._layers() for _ in layer._trainable_variables]
        for layer, array in zip(owners, arrays, strict=True):
            found.append(from_kernel(np.asarray(array), images.get(id(layer))))
        return dict(zip(self._names(), found, strict=True))

    def give(self, parameters: Parameters) -> None:
        """Start again from these parameters: kernels transposed, flattened images in the order of Keras."""
        for variable, value in self._start:
            variable.assign(value)
        images = self._images()
        owners = [(layer, variable) for layer in self._layers() for variable in layer._trainable_variables]
        for (layer, variable), tensor in zip(owners, parameters.values(), strict=True):
            variable.assign(to_kernel(tensor, images.get(id(layer))).astype(self.dtype))

    # ---- Steps ----------------------------------------------------------------------------------------------

    def about(self) -> About:
        """Return what was found."""
        shapes = {name: list(tensor.shape) for name, tensor in self.own.items()}
        settings = self.optimizer.get_config()
        hints = {name: float(settings[name]) for name in HINTS if isinstance(settings.get(name), (int, float))}
        if "epsilon" in hints:
            hints["eps"] = hints["epsilon"]
        loss = self.loss if isinstance(self.loss, str) else getattr(self.loss, "name", None) or "its own loss"
        words = [str(getattr(self.loss, "__name__", loss)), type(self.optimizer).__name__]
        return self.described("keras.Model", words, shapes, hints)

    def training_data(self) -> KerasData | None:
        """Return what the training takes its batches from; None of an object."""
        return KerasData(self.source, self.loop) if self.source is not None else None

    def names(self) -> set[str]:
        """Return the names of the model."""
        return {name for name, value in self.scope.items() if value is self.model}

    def _form(self, targets: Array) -> str:
        """Return nothing of interest: the targets are as the loss takes them."""
        del targets
        return "labels"

    def _reached(self, x: Array, y: Array) -> Array:
        """Return what the model gets, (n, size), of examples and targets; the file's own loop may scale them."""
        if self.loop is None or ".fit(" in self.source.text:
            return channels_first(x, None)
        found: list[Array] = []
        cls, before = type(self.model), self.parameters()
        call, eager = cls.__call__, self.tf.config.functions_run_eagerly()

        def heard(model: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
            if model is self.model:
                found.append(np.asarray(inputs))
            return call(model, inputs, *rest, **named)

        with ExitStack() as stack:
            replace(stack, cls, "__call__", heard)
            stack.callback(self.tf.config.run_functions_eagerly, eager)
            stack.callback(self.give, before)
            self.tf.config.run_functions_eagerly(True)
            try:
                self._body()(x, y)
            except Exception as error:
                raise UnfollowedError(f"its own loop does not run here: {why_not(error)}") from error
        if not found or len(found[0]) != len(x):
            raise UnfollowedError("its own loop does not call its model with the examples of a batch")
        return channels_first(found[0], None)

    def images(self, x: Array) -> Array:
        """Return examples (n, *inputs) as the model takes them."""
        images = x.reshape(len(x), *self.inputs)
        return (images.transpose(0, 2, 3, 1) if len(self.inputs) == 3 else images).astype(self.dtype)

    def batch(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return examples and targets as the model and its loss take them."""
        name = self.loss if isinstance(self.loss, str) else type(self.loss).__name__ + getattr(self.loss, "name", "")
        is_sparse = y.ndim == 1 and ("sparse" in str(name).lower() or "sparse" in getattr(self.loss, "__name__", ""))
        return self.images(x), y.astype(np.int64) if is_sparse else one_hot(y, self.n_out, self.dtype)

    def parameters(self) -> Parameters:
        """Return copies."""
        return self._taken([variable.numpy() for variable in self._variables()])

    def step(self, x: Array, y: Array) -> Figures:
        """Take a step as `fit` does."""
        with listening(self.path, self.caught):
            outputs, value, found = self.act(*self.batch(x, y))
        gradients = self._taken([np.asarray(g) for g in found])
        used = self._taken([np.asarray(g) for g in self.optimizer._clip_gradients(found)])
        return Figures(np.asarray(outputs), float(value), gradients, used, self.parameters(), 0.0)

    def act(self, images: Any, target: Any) -> tuple[Any, Any, list[Any]]:
        """Take a step, and return outputs, loss and gradients."""
        with self.tf.GradientTape() as tape:
            outputs = self.model(images, training=True)
            value = self._value(images, target, outputs)
        variables, trained = self._variables(), {id(each) for each in self.model.trainable_variables}
        gradients = zip(tape.gradient(value, variables), variables, strict=True)
        found = [np.zeros(v.shape) if g is None or id(v) not in trained else g for g, v in gradients]
        found = [self.tf.convert_to_tensor(g) for g in found]
        pairs = zip(found, variables, strict=True)
        self.optimizer.apply_gradients([(g, v) for g, v in pairs if id(v) in trained])
        return outputs, value, found

    def own_step(self) -> Callable[[Array, Array], None] | None:
        """Return the body of the file's own loop, which takes a batch; None without one, or where `fit` trains.

        Raises
        ------
        PortError
            If it does not run; the message says why.
        """
        if self.loop is None or self.trains is None or ".fit(" in self.source.text:
            return None
        body = self._body()

        def step(images: Array, targets: Array) -> None:
            shape = self.preparation.shape if self.preparation else images.shape[1:]
            body(images.reshape(len(images), *shape), targets)

        before = self.parameters()
        try:
            step(*self.batch(np.full((2, *self.inputs), 0.5), np.arange(2.0)))
        except Exception as error:
            raise PortError(f"its own loop does not run here: {why_not(error)}") from error
        if all(np.array_equal(before[name], tensor) for name, tensor in self.parameters().items()):
            raise PortError("its own loop does not train the model that is compared")
        return step

    def _body(self) -> Callable[[Array, Array], None]:
        """Return the body of the file's own loop."""
        assert self.loop is not None
        loop, scope = self.loop, self.loop.scope(self.model)
        calls = {name for name, value in scope.items() if value is self.model}

        def body(x: Array, y: Array) -> None:
            given = self.tf.constant(x), self.tf.constant(y)
            loop.feed(scope, lambda: calls, *given, lambda: self.tf.constant(np.arange(len(x))))
            loop.run(scope)

        return body

    def layers(self, x: Array) -> Parameters:
        """Return z and a of each layer with a kernel, channels first, a of the last left out: the outputs are that."""
        found: dict[str, Array] = {}
        weighted = [layer for layer in self._layers() if hasattr(layer, "kernel")]
        kept = [(layer, layer.call, layer.activation) for layer in weighted]
        images = self._images()

        def recorded(k: int, layer: Any, call: Any, activation: Any) -> None:
            def called(inputs: Any, *arguments: Any, **named: Any) -> Any:
                if k:
                    found[f"a{k}"] = channels_first(np.asarray(inputs), images.get(id(layer)))
                return call(inputs, *arguments, **named)

            def activated(z: Any) -> Any:
                found[f"z{k + 1}"] = channels_first(np.asarray(z), None)
                return activation(z)

            layer.call, layer.activation = called, activated

        try:
            for k, each in enumerate(kept):
                recorded(k, *each)
            self.model(self.images(x), training=False)
        finally:
            for layer, call, activation in kept:
                layer.call, layer.activation = call, activation
        return found

    def _weights(self, target: Any) -> Any:
        """Return what `class_weight` makes of targets, as `fit` does: a weight for each example; None without one."""
        if self.class_weights is None:
            return None
        rows = np.asarray(target).reshape(len(target), -1)
        return self.class_weights[rows.argmax(1) if rows.shape[1] > 1 else rows[:, 0].round().astype(int)]

    def _value(self, images: Any, target: Any, outputs: Any) -> Any:
        if getattr(self.model, "compiled", False) and getattr(self.model, "loss", None) is not None:
            weights = self._weights(target)
            return self.model.compute_loss(x=images, y=target, y_pred=outputs, sample_weight=weights, training=True)
        loss = self.keras.losses.get(self.loss) if isinstance(self.loss, str) else self.loss
        return self.tf.reduce_mean(loss(target, outputs))
