"""Right networks in random layouts, as text: drawn from the ways in which people write them."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

ACTIVATIONS: Final = ("sigmoid", "tanh", "relu", "leaky_relu")
BODIES: Final = {
    "sigmoid": "1 / (1 + np.exp(-z))",
    "tanh": "np.tanh(z)",
    "relu": "np.maximum(0, z)",
    "leaky_relu": "np.where(z > 0, z, 0.01 * z)",
}
BY_OUTPUT: Final = {
    "sigmoid": "{a} * (1 - {a})",
    "tanh": "(1 - {a} ** 2)",
    "relu": "({a} > 0)",
    "leaky_relu": "np.where({a} > 0, 1, 0.01)",
}
BY_INPUT: Final = {
    "sigmoid": "sigmoid(z) * (1 - sigmoid(z))",
    "tanh": "1 - np.tanh(z) ** 2",
    "relu": "(z > 0).astype(float)",
    "leaky_relu": "np.where(z > 0, 1.0, 0.01)",
}
STYLES: Final = ("functions", "dict", "deep", "attributes", "lists", "params", "layers")
SIZES: Final = (
    ("n_in", "n_hidden", "n_out"), ("input_size", "hidden_size", "output_size"), ("n_x", "n_h", "n_y"),
    ("input_dim", "hidden_dim", "output_dim"), ("inputs", "hidden", "outputs"),
)  # fmt: skip
PARAMETER_NAMES: Final = (
    ("W{l}", "b{l}"), ("W{l}", "b{l}"), ("w{l}", "b{l}"), ("weights{l}", "bias{l}"), ("weights_{l}", "biases_{l}"),
    ("W_{l}", "b_{l}"),
)  # fmt: skip
TWO_LAYERS: Final = (
    (("Wh", "bh"), ("Wo", "bo")),
    (("w_hidden", "b_hidden"), ("w_output", "b_output")),
    (("weights_input_hidden", "bias_hidden"), ("weights_hidden_output", "bias_output")),
    (("W_h", "b_h"), ("W_o", "b_o")),
)
Lines = list[str]


def indented(lines: Sequence[str]) -> Lines:
    """Return lines, one level deeper."""
    return [f"    {line}" if line else "" for line in lines]


@dataclass
class Network:
    """What was drawn for one file, and its text."""

    seed: int
    draw: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.draw = draw = random.Random(self.seed)
        self.style: str = draw.choice(STYLES)
        self.depth = draw.choice((2, 2, 2, 3, 3, 4))
        self.is_looped = self.style in ("lists", "layers", "deep")
        self._draw_maths()
        self._draw_names()
        self._draw_loss()

    def _draw_maths(self) -> None:
        draw = self.draw
        forms = {"rows": 4, "columns": 3}
        if self.style in ("functions", "attributes", "lists"):
            forms |= {"vector": 1, "column": 1}
        self.form = draw.choices(list(forms), list(forms.values()))[0]
        self.is_single = self.form in ("vector", "column")
        self.is_columns = self.form in ("columns", "column")
        self.out_first = draw.random() < (0.85 if self.is_columns else 0.3)
        kinds = {"rows": ("vector", "row", "row", "column", "none"), "columns": ("column", "column", "column", "none"),
                 "vector": ("vector", "vector", "none"), "column": ("column", "column", "none")}  # fmt: skip
        self.bias = draw.choice(kinds[self.form])
        self.product = draw.choice(("np.dot({}, {})", "{} @ {}", "{}.dot({})"))
        hidden = [draw.choice(ACTIVATIONS)] * (self.depth - 1)
        if not self.is_looped and draw.random() < 0.3:
            hidden = [draw.choice(ACTIVATIONS) for _ in hidden]
        self.hidden = hidden
        self.by_input = draw.random() < 0.5
        self.prime = draw.choice(("{}_prime", "{}_derivative", "d_{}", "{}_grad"))

    def _draw_names(self) -> None:
        draw = self.draw
        if self.depth == 2 and draw.random() < 0.3 and not self.is_looped:
            self.named = list(draw.choice(TWO_LAYERS))
        else:
            W, b = draw.choice(PARAMETER_NAMES)
            self.named = [(W.format(l=l), b.format(l=l)) for l in range(1, self.depth + 1)]
        self.params = draw.choice(("params", "parameters", "model"))
        self.size_names = draw.choice(SIZES)
        self.x = draw.choice(("x", "inputs", "data") if self.is_single else ("X", "X", "x", "inputs", "data"))
        self.y = draw.choice(("y", "Y", "t", "targets", "target", "y_true"))
        self.rate = draw.choice(("lr", "alpha", "eta", "learning_rate"))
        self.forward = draw.choice(("forward", "forward", "forward_prop", "feedforward", "predict", "forward_pass"))
        self.backward = draw.choice(("backward", "backprop", "compute_gradients", "back_prop", "gradients"))
        self.step = draw.choice(("train_step", "train_step", "backward", "train_on_batch", "update"))
        self.loss_name = draw.choice(("loss", "compute_loss", "cost", "loss_function", "compute_cost"))
        self.z_name, self.a_name = draw.choice((("z{}", "a{}"), ("Z{}", "A{}"), ("z_{}", "a_{}"), ("z{}", "h{}")))
        self.d_name = draw.choice(("dz{}", "delta{}", "dZ{}", "d{}", "error{}"))
        self.grad = draw.choice(("d{}", "d{}", "grad_{}", "d_{}", "{}_grad"))

    def _draw_loss(self) -> None:
        draw = self.draw
        self.outputs, self.loss = draw.choice((
            ("linear", "quadratic"), ("sigmoid", "quadratic"), ("tanh", "quadratic"), ("softmax", "cross"),
            ("softmax", "cross"), ("sigmoid", "binary"), ("softmax", "quadratic"),
        ))  # fmt: skip
        self.labels = draw.random() < 0.35
        self.half = draw.random() < 0.6
        self.mean = draw.choice(("sum", "mean", "both"))
        """over the batch; both: over the outputs, too"""
        if self.loss == "cross" and self.mean == "both":
            self.mean = "mean"
        if self.is_single and self.mean == "mean":
            self.mean = "sum"
        self.n_out = 1 if self.outputs != "softmax" and draw.random() < 0.3 else 3
        self.has_loss = draw.random() < 0.75
        self.decay = draw.choice(("lam", "reg", "lambd")) if self.has_loss and draw.random() < 0.3 else ""
        if self.style == "params":
            self.has_loss = True
        self.in_gradients = self.mean == "mean" and draw.random() < 0.5
        """whether 1/n stands with dW and db, not with delta"""
        self.has_initialiser = draw.random() < 0.7
        returns = {
            "functions": ("tuple", "dict", "step"), "dict": ("dict", "dict", "tuple", "step"),
            "attributes": ("tuple", "dict", "kept", "step", "step"), "lists": ("nabla", "lists", "kept", "step"),
            "deep": ("dict",), "params": ("dict",), "layers": ("kept", "step"),
        }  # fmt: skip
        self.returned = draw.choice(returns[self.style])
        self.has_update = draw.random() < 0.6
        self.picks = self.labels and self.loss == "cross" and not self.is_single and draw.random() < 0.5
        """whether labels are indices, in the loss and in delta"""
        self.in_update = self.returned == "step" and self.mean == "mean" and not self.decay and draw.random() < 0.3
        if self.style == "layers":
            self.in_update = False
        self.in_gradients &= not self.in_update
        self.cache = draw.choice(("dict", "tuple"))
        self.has_training = draw.random() < 0.6

    # ---- Names -----------------------------------------------------------------------------------------

    def W(self, l: int) -> str:
        return self.named[l - 1][0]

    def b(self, l: int) -> str:
        return self.named[l - 1][1]

    def z(self, l: int) -> str:
        return self.z_name.format(l)

    def a(self, l: int) -> str:
        return self.a_name.format(l) if l else self.x

    def d(self, l: int) -> str:
        return self.d_name.format(l)

    def g(self, name: str) -> str:
        return self.grad.format(name)

    @property
    def layers(self) -> range:
        return range(1, self.depth + 1)

    @property
    def parameters(self) -> list[str]:
        """The names of the parameters, layer by layer."""
        return [name for l in self.layers for name in ([self.W(l), self.b(l)] if self.bias != "none" else [self.W(l)])]

    # ---- Formulas --------------------------------------------------------------------------------------

    def dot(self, one: str, other: str) -> str:
        if (
            ".dot" in self.product
            and not one.replace(".", "").replace("_", "").replace("[", "").replace("]", "").replace("'", "").isalnum()
        ):
            one = f"({one})"
        return self.product.format(one, other)

    def affine(self, a: str, W: str, b: str) -> str:
        if self.form == "vector":
            product = self.dot(W, a) if self.out_first else self.dot(a, W)
        elif self.is_columns:
            product = self.dot(W if self.out_first else f"{W}.T", a)
        else:
            product = self.dot(a, W if not self.out_first else f"{W}.T")
        if self.bias == "none":
            return product
        return f"{product} + {b}.T" if self.form == "rows" and self.bias == "column" else f"{product} + {b}"

    def dW(self, d: str, a: str) -> str:
        if self.form == "vector":
            return f"np.outer({d}, {a})" if self.out_first else f"np.outer({a}, {d})"
        if self.is_columns:
            return self.dot(d, f"{a}.T") if self.out_first else self.dot(a, f"{d}.T")
        return self.dot(f"{d}.T", a) if self.out_first else self.dot(f"{a}.T", d)

    def db(self, d: str) -> str:
        if self.is_single:
            return d
        if self.is_columns:
            return f"np.sum({d}, axis=1, keepdims=True)"
        return {
            "vector": f"np.sum({d}, axis=0)",
            "row": f"np.sum({d}, axis=0, keepdims=True)",
            "column": f"np.sum({d}, axis=0, keepdims=True).T",
        }[self.bias]

    def back(self, d: str, W: str) -> str:
        if self.form == "vector":
            return self.dot(f"{W}.T", d) if self.out_first else self.dot(W, d)
        if self.is_columns:
            return self.dot(f"{W}.T" if self.out_first else W, d)
        return self.dot(d, W if self.out_first else f"{W}.T")

    def slope(self, activation: str, z: str, a: str) -> str:
        if self.by_input:
            return f"{self.prime.format(activation)}({z})"
        return BY_OUTPUT[activation].format(a=a)

    def activate(self, activation: str, z: str) -> str:
        return z if activation == "linear" else f"{activation}({z})"

    @property
    def axis(self) -> str:
        return {"rows": "1", "columns": "0", "column": "0", "vector": "0"}[self.form]

    def size(self, of: str) -> str:
        """Return the number of examples in an array."""
        return f"{of}.shape[{1 if self.is_columns else 0}]"

    def shape(self, n_in: str, n_out: str) -> str:
        return f"{n_out}, {n_in}" if self.out_first else f"{n_in}, {n_out}"

    def zeros(self, n_out: str) -> str:
        return f"np.zeros({ {'vector': n_out, 'row': f'(1, {n_out})', 'column': f'({n_out}, 1)'}[self.bias] })".replace(
            "( ", "("
        ).replace(" )", ")")

    def prepared(self, a: str) -> Lines:
        """Return how labels become targets."""
        if not self.labels or self.picks:
            return []
        y = self.y
        if self.n_out == 1:
            shape = {"rows": "(-1, 1)", "columns": "(1, -1)"}.get(self.form)
            return [f"{y} = {y}.reshape{shape}"] if shape else []
        eye = {"rows": "{}", "columns": "{}.T", "vector": "{}", "column": "{}.reshape(-1, 1)"}[self.form]
        k = f"{a}.shape[{0 if self.is_columns or self.form == 'vector' else 1}]"
        return [f"{y} = {eye.format(f'np.eye({k})[{y}]')}"]

    def top(self, z: str, a: str, name: str) -> Lines:
        """Return the lines that compute delta of the last layer."""
        y = self.y
        factor = "2 * " if self.loss == "quadratic" and not self.half else ""
        over = {"sum": "", "mean": "" if self.in_gradients or self.in_update else " / m", "both": f" / {a}.size"}[
            self.mean
        ]
        if self.picks:
            at = f"{y}, np.arange(m)" if self.is_columns else f"np.arange(m), {y}"
            return [f"{name} = {a}.copy()", f"{name}[{at}] -= 1", *([f"{name} /= m"] if over else [])]
        if self.outputs == "softmax" and self.loss == "quadratic":
            return [
                f"g = {factor}({a} - {y}){over}",
                f"{name} = {a} * (g - np.sum({a} * g, axis={self.axis}, keepdims=True))",
            ]
        if self.outputs == "linear" or self.loss in ("cross", "binary"):
            return [f"{name} = {factor}({a} - {y}){over}"]
        return [f"{name} = {factor}({a} - {y}) * {self.slope(self.outputs, z, a)}{over}"]

    def value(self, a: str) -> str:
        """Return the loss of outputs."""
        y = self.y
        if self.loss == "quadratic":
            if self.mean == "both":
                return f"{'0.5 * ' if self.half else ''}np.mean(({a} - {y}) ** 2)"
            half = "0.5 * " if self.half else ""
            inner = f"{half}np.sum(({y} - {a}) ** 2)"
        elif self.picks:
            inner = f"-np.sum(np.log({a}[{f'{y}, np.arange(m)' if self.is_columns else f'np.arange(m), {y}'}]))"
        elif self.loss == "cross":
            inner = f"-np.sum({y} * np.log({a} + 1e-12))"
        else:
            inner = f"-np.sum({y} * np.log({a}) + (1 - {y}) * np.log(1 - {a}))"
        return inner + {"sum": "", "mean": " / m", "both": f" / {a}.size"}[self.mean]

    def needs_m(self) -> bool:
        return self.mean == "mean" or self.picks

    def decayed(self, W: str) -> str:
        return f" + {self.decay} * {W}" if self.decay else ""

    def penalty(self, weights: Sequence[str]) -> str:
        if not self.decay:
            return ""
        return f" + 0.5 * {self.decay} * ({' + '.join(f'np.sum({W} ** 2)' for W in weights)})"

    # ---- Parts -----------------------------------------------------------------------------------------

    def helpers(self) -> Iterator[str]:
        """Yield the functions of the activations."""
        used = dict.fromkeys([*self.hidden, self.outputs])
        for name in used:
            if name in BODIES:
                yield from (f"def {name}(z):", f"    return {BODIES[name]}", "", "")
                if self.by_input:
                    yield from (f"def {self.prime.format(name)}(z):", f"    return {BY_INPUT[name]}", "", "")
            elif name == "softmax":
                keep = f"axis={self.axis}, keepdims=True"
                yield from ("def softmax(z):", f"    e = np.exp(z - np.max(z, {keep}))")
                yield from (f"    return e / np.sum(e, {keep})", "", "")

    def activation(self, l: int) -> str:
        return self.outputs if l == self.depth else self.hidden[l - 1]

    def forward_lines(self, W: Callable[[int], str], b: Callable[[int], str], own: str = "") -> Lines:
        """Return the unrolled forward pass; with `own` its values are kept in attributes."""
        lines = []
        for l in self.layers:
            below = own + self.a(l - 1) if l > 1 else self.x
            lines.append(f"{own}{self.z(l)} = {self.affine(below, W(l), b(l))}")
            lines.append(f"{own}{self.a(l)} = {self.activate(self.activation(l), own + self.z(l))}")
        return lines

    def backward_lines(self, W: Callable[[int], str], own: str = "") -> Lines:
        """Return the unrolled backward pass, without what it returns."""
        L = self.depth
        lines = [f"m = {self.size(self.x)}"] if self.needs_m() else []
        lines += self.prepared(own + self.a(L))
        lines += self.top(own + self.z(L), own + self.a(L), self.d(L))
        over = " / m" if self.in_gradients else ""
        for l in reversed(self.layers):
            below = own + self.a(l - 1) if l > 1 else self.x
            lines.append(f"{self.g(self.W(l))} = {self.dW(self.d(l), below)}{over}{self.decayed(W(l))}")
            if self.bias != "none":
                lines.append(f"{self.g(self.b(l))} = {self.db(self.d(l))}{over}")
            if l > 1:
                slope = self.slope(self.activation(l - 1), own + self.z(l - 1), own + self.a(l - 1))
                lines.append(f"{self.d(l - 1)} = {self.back(self.d(l), W(l))} * {slope}")
        return lines

    def loss_lines(self, a: str, weights: Sequence[str]) -> Lines:
        lines = self.prepared(a)
        if self.needs_m():
            lines = [f"m = {self.size(a)}", *lines]
        return [*lines, f"return {self.value(a)}{self.penalty(weights)}"]

    def as_dict(self, names: Sequence[str], key: Callable[[str], str] = str) -> str:
        return "{" + ", ".join(f"'{key(name)}': {name}" for name in names) + "}"

    def kept_values(self) -> str:
        return self.as_dict(self.values) if self.cache == "dict" else f"({', '.join(self.values)})"

    def unpacked_values(self) -> Lines:
        if self.cache == "tuple":
            return [f"{', '.join(self.values)} = cache"]
        return [f"{name} = cache['{name}']" for name in self.values]

    def sizes(self) -> list[str]:
        n_in, hidden, n_out = self.size_names
        return [n_in, *([hidden] if self.depth == 2 else [f"{hidden}{l}" for l in self.layers[:-1]]), n_out]

    def initial(self, own: Callable[[str], str]) -> Lines:
        lines = []
        for l, (n_in, n_out) in enumerate(zip(self.sizes(), self.sizes()[1:], strict=False), 1):
            scale = self.draw.choice(("* 0.1", f"/ np.sqrt({n_in})"))
            lines.append(f"{own(self.W(l))} = np.random.randn({self.shape(n_in, n_out)}) {scale}")
            if self.bias != "none":
                lines.append(f"{own(self.b(l))} = {self.zeros(n_out)}")
        return lines

    def step_lines(self, own: Callable[[str], str], gradient: Callable[[str], str], rate: str) -> Lines:
        over = " / m" if self.in_update else ""
        if self.draw.random() < 0.5 or self.style == "functions":
            return [f"{own(name)} -= {rate} * {gradient(name)}{over}" for name in self.parameters]
        return [f"{own(name)} = {own(name)} - {rate} * {gradient(name)}{over}" for name in self.parameters]

    @property
    def gradients(self) -> list[str]:
        return [self.g(name) for name in self.parameters]

    @property
    def values(self) -> list[str]:
        return [name for l in self.layers for name in (self.z(l), self.a(l))]

    def with_decay(self, *arguments: str) -> str:
        return ", ".join([*arguments, *([self.decay] if self.decay else [])])

    # ---- Styles ----------------------------------------------------------------------------------------

    def text(self) -> str:
        """Return the file."""
        head = ["import numpy as np", *(["", "np.random.seed(0)"] if self.draw.random() < 0.5 else []), "", ""]
        if self.draw.random() < 0.3:
            head = ['"""A neural network from scratch."""', "", *head]
        self.called: Lines = []
        lines = [*head, *self.helpers(), *self.extras(), *getattr(self, f"_{self.style}")()]
        if self.has_training and self.called:
            lines += self.training()
        text = "\n".join(lines) + "\n"
        if self.draw.random() < 0.2:
            text = text.replace("    ", "\t")
        if self.draw.random() < 0.15:
            text = text.replace(" * ", "*")
        if self.draw.random() < 0.2:
            text = text.replace("\n\n\n", "\n\n")
        return text

    def extras(self) -> Lines:
        """Return functions that have no part in backpropagation."""
        lines: Lines = []
        if self.draw.random() < 0.3:
            axis = "0" if self.is_columns else "-1"
            lines += self.function("accuracy", f"predictions, {self.y}", [
                f"return np.mean(np.argmax(predictions, axis={axis}) == {self.y})"])  # fmt: skip
        if self.draw.random() < 0.3:
            lines += self.function("one_hot", "y, k", ["return np.eye(k)[y]"])
        if self.draw.random() < 0.2:
            lines += self.function("load_data", "path", [
                "data = np.loadtxt(path, delimiter=',')", "return data[:, :-1], data[:, -1]"])  # fmt: skip
        return lines

    def training(self) -> Lines:
        """Return what trains the network: a function, and its call."""
        x, y = self.x, self.y
        inner = [line.format(x=x, y=y, rate="0.1") for line in self.called]
        if self.is_single:
            inner = [f"for {x}, {y} in zip(X_train, Y_train):", *indented(inner)]
            x, y = "X_train", "Y_train"
        first = "net" if self.style in ("attributes", "lists", "params", "layers") else "epochs"
        given = [first, x, y, *(["epochs=1000"] if first == "net" else [])]
        if first == "epochs":
            given = [*self.parameters, x, y, "epochs=1000"] if self.style == "functions" else [self.params, *given[1:]]
            given = [each for each in given if "=" not in each] + ["epochs=1000"]
        body = ["for epoch in range(epochs):", *indented(inner), "    if epoch % 100 == 0:", "        print(epoch)"]
        lines = self.function("train", ", ".join(given), body)
        if self.draw.random() < 0.5:
            lines += ["if __name__ == '__main__':", "    X_data = np.random.rand(20, 4)", "    print(X_data.shape)"]
        return lines

    def function(self, name: str, arguments: str, body: Sequence[str]) -> Lines:
        doc = [f'"""{name.replace("_", " ").capitalize()}."""'] if self.draw.random() < 0.2 else []
        return [f"def {name}({arguments}):", *indented([*doc, *body]), "", ""]

    def method(self, name: str, arguments: str, body: Sequence[str]) -> Lines:
        return indented([f"def {name}({', '.join(filter(None, ['self', arguments]))}):", *indented(body), ""])

    def _functions(self) -> Lines:
        names, last = self.parameters, self.a(self.depth)
        weights = [self.W(l) for l in self.layers]
        lines: Lines = []
        if self.has_initialiser:
            returned = f"return {', '.join(names)}"
            lines += self.function("init_params", ", ".join(self.sizes()), [*self.initial(str), returned])
        returned = self.draw.choice((", ".join(self.values), f"{last}, {self.kept_values()}", last))
        if returned == last and self.returned != "step":
            returned = ", ".join(self.values)
        forward = self.forward_lines(self.W, self.b)
        lines += self.function(self.forward, ", ".join([self.x, *names]), [*forward, f"return {returned}"])
        if self.has_loss:
            arguments = self.with_decay(last, self.y, *(weights if self.decay else []))
            lines += self.function(self.loss_name, arguments, self.loss_lines(last, weights))
        backward = self.backward_lines(self.W)
        if self.returned == "step":
            step = self.step_lines(str, self.g, self.rate)
            returns = [f"return {', '.join(names)}"] if self.draw.random() < 0.7 else []
            arguments = self.with_decay(self.x, self.y, *names, self.rate)
            if not self.decay:
                self.called = [f"{self.step}({self.x}, {self.y}, {', '.join(names)}, 0.1)"]
            return lines + self.function(self.step, arguments, [*forward, *backward, *step, *returns])
        value = ", ".join(self.gradients) if self.returned == "tuple" else self.as_dict(self.gradients)
        unpacked, given = [], self.values
        if returned.startswith(f"{last}, "):
            given = ["cache"]
            unpacked = self.unpacked_values()
        arguments = self.with_decay(self.x, self.y, *given, *weights)
        lines += self.function(self.backward, arguments, [*unpacked, *backward, f"return {value}"])
        if self.has_update:
            step = self.step_lines(str, self.g, self.rate)
            arguments = ", ".join([*names, *self.gradients, self.rate])
            if self.returned == "tuple" and not unpacked and not self.decay:
                self.called = [
                    f"{', '.join(self.values)} = {self.forward}({', '.join([self.x, *names])})",
                    f"{', '.join(self.gradients)} = {self.backward}("
                    f"{', '.join([self.x, self.y, *self.values, *weights])})",
                    *self.step_lines(str, self.g, "0.1"),
                ]
            lines += self.function("update_params", arguments, [*step, f"return {', '.join(names)}"])
        return lines

    def _dict(self) -> Lines:
        params = self.params
        lines: Lines = []
        if self.has_initialiser:
            body = [*self.initial(str), f"return {self.as_dict(self.parameters)}"]
            lines += self.function("initialize_parameters", ", ".join(self.sizes()), body)
        last = self.a(self.depth)

        def own(name: str) -> str:
            return f"{params}['{name}']"

        def W(l: int) -> str:
            return own(self.W(l))

        forward = [*self.forward_lines(W, lambda l: own(self.b(l))), f"cache = {self.kept_values()}"]
        arguments = ", ".join(self.draw.choice(([self.x, params], [params, self.x])))
        lines += self.function(self.forward, arguments, [*forward, f"return {last}, cache"])
        if self.has_loss:
            given = self.with_decay(last, self.y, *([params] if self.decay else []))
            lines += self.function(self.loss_name, given, self.loss_lines(last, [W(l) for l in self.layers]))
        unpacked = self.unpacked_values()
        backward = self.backward_lines(W)
        if self.returned == "step":
            call = f"{last}, cache = {self.forward}({arguments})"
            step = self.step_lines(own, self.g, self.rate)
            given = self.with_decay(params, self.x, self.y, self.rate)
            returns = [f"return {params}"] if self.draw.random() < 0.5 else []
            if not self.decay:
                self.called = [f"{self.step}({params}, {self.x}, {self.y}, 0.1)"]
            return lines + self.function(self.step, given, [call, *unpacked, *backward, *step, *returns])
        value = self.as_dict(self.gradients) if self.returned == "dict" else ", ".join(self.gradients)
        given = self.with_decay(params, "cache", self.x, self.y)
        lines += self.function(self.backward, given, [*unpacked, *backward, f"return {value}"])
        if not self.decay:
            step = self.step_lines(own, self.g, "0.1")
            if self.returned == "dict":
                step = self.step_lines(own, lambda name: f"grads['{self.g(name)}']", "0.1")
            result = "grads" if self.returned == "dict" else ", ".join(self.gradients)
            self.called = [f"{last}, cache = {self.forward}({arguments})",
                           f"{result} = {self.backward}({params}, cache, {self.x}, {self.y})", *step]  # fmt: skip
        if self.has_update and self.returned == "dict":
            step = self.step_lines(own, lambda name: f"grads['{self.g(name)}']", self.rate)
            lines += self.function("update_parameters", f"{params}, grads, {self.rate}", [*step, f"return {params}"])
        return lines

    def _deep(self) -> Lines:
        params, has_bias, hidden = self.params, self.bias != "none", self.hidden[0]
        letter, by = self.draw.choice((("W", "b"), ("w", "b"))), self.draw.choice(("str", "f"))

        def key(name: str, l: str = "l") -> str:
            return f"'{name}' + str({l})" if by == "str" else f"f'{name}{{{l}}}'"

        W, b = (f"{params}[{key(name)}]" for name in letter)
        lines: Lines = []
        if self.has_initialiser:
            name = self.draw.choice(("layer_dims", "sizes", "layers_dims", "layer_sizes"))
            body = [f"{params} = {{}}", f"for l in range(1, len({name})):",
                    f"    {W} = np.random.randn({self.shape(f'{name}[l - 1]', f'{name}[l]')}) * 0.1"]  # fmt: skip
            if has_bias:
                body.append(f"    {b} = {self.zeros(f'{name}[l]')}")
            lines += self.function("initialize_parameters", name, [*body, f"return {params}"])
        depth = f"L = len({params})" + (" // 2" if has_bias else "")
        chosen = f"{self.activate(self.outputs, 'z')} if l == L else {hidden}(z)"
        forward = [depth, f"cache = {{'A0': {self.x}}}", f"a = {self.x}", "for l in range(1, L + 1):",
                   f"    z = {self.affine('a', W, b)}", f"    a = {chosen}", f"    cache[{key('Z')}] = z",
                   f"    cache[{key('A')}] = a", "return a, cache"]  # fmt: skip
        lines += self.function(self.forward, f"{self.x}, {params}", forward)
        if self.has_loss:
            given = self.with_decay("a", self.y, *([params] if self.decay else []))
            body = self.loss_lines("a", ())
            if self.decay:
                inner = f"sum(np.sum({params}[k] ** 2) for k in {params} if k[0] == '{letter[0]}')"
                body[-1] = body[-1].replace(self.penalty(()), f" + 0.5 * {self.decay} * {inner}")
            lines += self.function(self.loss_name, given, body)
        over = " / m" if self.in_gradients else ""
        below = f"cache[{key('A', 'l - 1')}]"
        slope = self.slope(hidden, f"cache[{key('Z', 'l - 1')}]", below)
        body = [
            depth, "grads = {}", f"a = cache[{key('A', 'L')}]",
            *([f"m = {self.size('a')}"] if self.needs_m() else []),
            *self.prepared("a"), *self.top(f"cache[{key('Z', 'L')}]", "a", "dz"), "for l in range(L, 0, -1):",
            f"    grads[{key(f'd{letter[0]}')}] = {self.dW('dz', below)}{over}{self.decayed(W)}",
            *([f"    grads[{key(f'd{letter[1]}')}] = {self.db('dz')}{over}"] if has_bias else []), "    if l > 1:",
            f"        dz = {self.back('dz', W)} * {slope}", "return grads",
        ]  # fmt: skip
        given = self.with_decay(params, "cache", self.y)
        lines += self.function(self.backward, given, body)
        if self.has_update:
            step = [depth, "for l in range(1, L + 1):", f"    {W} -= {self.rate} * grads[{key(f'd{letter[0]}')}]"]
            if has_bias:
                step.append(f"    {b} -= {self.rate} * grads[{key(f'd{letter[1]}')}]")
            lines += self.function("update_parameters", f"{params}, grads, {self.rate}", [*step, f"return {params}"])
            if not self.decay:
                self.called = [f"a, cache = {self.forward}({self.x}, {params})",
                               f"grads = {self.backward}({params}, cache, {self.y})",
                               f"update_parameters({params}, grads, 0.1)"]  # fmt: skip
        return lines

    def _class(self, arguments: str, initial: Sequence[str]) -> Lines:
        name = self.draw.choice(("NeuralNetwork", "MLP", "Network", "Net", "NN"))
        kept = [f"self.{self.decay} = {self.decay}"] if self.decay else []
        given = ", ".join([arguments, *([f"{self.decay}=0.01"] if self.decay else [])])
        return [f"class {name}:", *self.method("__init__", given, [*initial, *kept])]

    def decay_known(self) -> Lines:
        return [f"{self.decay} = self.{self.decay}"] if self.decay else []

    def _attributes(self) -> Lines:
        def own(name: str) -> str:
            return f"self.{name}"

        def W(l: int) -> str:
            return own(self.W(l))

        lines = self._class(", ".join(self.sizes()), self.initial(own))
        forward = self.forward_lines(W, lambda l: own(self.b(l)), "self.")
        last = f"self.{self.a(self.depth)}"
        lines += self.method(self.forward, self.x, [*forward, f"return {last}"])
        if self.has_loss:
            lines += self._loss_method([W(l) for l in self.layers])
        backward = [*self.decay_known(), *self.backward_lines(W, "self.")]
        if self.returned == "step":
            step = self.step_lines(own, self.g, self.rate)
            call = [f"self.{self.forward}({self.x})"]
            given = ", ".join([self.x, self.y, self.draw.choice((self.rate, f"{self.rate}=0.1"))])
            self.called = [f"net.{self.step}({self.x}, {self.y}, 0.1)"]
            return lines + self.method(self.step, given, [*call, *backward, *step])
        call = [f"self.{self.forward}({self.x})"] if self.draw.random() < 0.5 else []
        if self.returned == "kept":
            returns = [f"self.{name} = {name}" for name in self.gradients]
        elif self.returned == "dict":
            returns = [f"return {self.as_dict(self.gradients)}"]
        else:
            returns = [f"return {', '.join(self.gradients)}"]
        lines += self.method(self.backward, f"{self.x}, {self.y}", [*call, *backward, *returns])
        if self.has_update:
            if self.returned == "kept":
                step = self.step_lines(own, lambda name: own(self.g(name)), self.rate)
                lines += self.method("update", self.rate, step)
            else:
                call = [f"{', '.join(self.gradients)} = self.{self.backward}({self.x}, {self.y})"]
                step = self.step_lines(own, self.g, self.rate)
                if self.returned == "dict":
                    call = [f"grads = self.{self.backward}({self.x}, {self.y})"]
                    step = self.step_lines(own, lambda name: f"grads['{self.g(name)}']", self.rate)
                step = [f"self.{self.forward}({self.x})", *call, *step]
                lines += self.method("train_step" if self.backward != "train_step" else "step",
                                     f"{self.x}, {self.y}, {self.rate}", step)  # fmt: skip
        return lines

    def _loss_method(self, weights: Sequence[str]) -> Lines:
        known = self.decay_known()
        if self.draw.random() < 0.5:
            body = [f"out = self.{self.forward}({self.x})", *known, *self.loss_lines("out", weights)]
            return self.method(self.loss_name, f"{self.x}, {self.y}", body)
        given = self.draw.choice((f"output, {self.y}", f"{self.y}, output"))
        return self.method(self.loss_name, given, [*known, *self.loss_lines("output", weights)])

    def _params(self) -> Lines:
        def own(name: str) -> str:
            return f"self.params['{name}']"

        lines = self._class(", ".join(self.sizes()), ["self.params = {}", *self.initial(own)])
        unpacked = [f"{name} = {own(name)}" for name in self.parameters]
        forward = self.forward_lines(self.W, self.b)
        last = self.a(self.depth)
        if self.draw.random() < 0.7:
            lines += self.method("predict", self.x, [*unpacked, *forward, f"return {last}"])
        weights = [self.W(l) for l in self.layers]
        loss = self.loss_lines(last, weights)
        loss = [line.replace("return ", "loss = ") for line in loss if not line.startswith(f"{self.y} =")]
        backward = self.backward_lines(self.W)
        prepared = self.prepared(last)
        backward = [line for line in backward if line not in prepared]
        same = self.draw.random() < 0.6
        grads = self.as_dict(self.gradients, lambda name: self.parameters[self.gradients.index(name)] if same else name)
        body = [*self.decay_known(), *unpacked, *forward, *prepared, *loss, *backward, f"grads = {grads}"]
        lines += self.method("loss", f"{self.x}, {self.y}", [*body, "return loss, grads"])
        if self.has_update and same:
            self.called = [f"net.train_step({self.x}, {self.y}, 0.1)"]
            step = [f"loss, grads = self.loss({self.x}, {self.y})", "for name in self.params:",
                    f"    self.params[name] -= {self.rate} * grads[name]", "return loss"]  # fmt: skip
            lines += self.method("train_step", f"{self.x}, {self.y}, {self.rate}", step)
        return lines

    def _lists(self) -> Lines:
        W, b = self.draw.choice((("weights", "biases"), ("W", "b"), ("weights", "biases")))
        sizes = self.draw.choice(("sizes", "layers", "layer_sizes"))
        shape = self.shape("i", "o")
        made = f"for i, o in zip({sizes}[:-1], {sizes}[1:])]"
        initial = [f"self.{W} = [np.random.randn({shape}) / np.sqrt(i) {made}"]
        has_bias = self.bias != "none"
        if has_bias:
            initial.append(f"self.{b} = [{self.zeros('o')} {made}")
        lines = self._class(sizes, initial)
        hidden = self.hidden[0]
        last = f"len(self.{W}) - 1"
        bl = f"self.{b}[l]"
        step = f"z = {self.affine('a', f'self.{W}[l]', bl)}"
        chosen = f"{self.activate(self.outputs, 'z')} if l == {last} else {hidden}(z)"
        passes = [f"a = {self.x}", f"for l in range(len(self.{W})):", f"    {step}", f"    a = {chosen}"]
        lines += self.method(self.forward, self.x, [*passes, "return a"])
        if self.has_loss:
            known = self.decay_known()
            penalty = f" + 0.5 * {self.decay} * sum(np.sum(w ** 2) for w in self.{W})" if self.decay else ""
            if self.draw.random() < 0.5:
                body = [f"out = self.{self.forward}({self.x})", *known, *self.loss_lines("out", ())]
                body[-1] = body[-1].replace(self.penalty(()), "") + penalty
                lines += self.method(self.loss_name, f"{self.x}, {self.y}", body)
            else:
                body = [*known, *self.loss_lines("output", ())]
                body[-1] = body[-1].replace(self.penalty(()), "") + penalty
                lines += self.method(self.loss_name, f"output, {self.y}", body)
        over = " / m" if self.in_gradients else ""
        slope = self.slope(hidden, "zs[l - 1]", "activations[l]")
        gW, gb = self.draw.choice((("nabla_w", "nabla_b"), ("dW", "db"), ("grads_w", "grads_b")))
        body = [
            *self.decay_known(), f"zs, activations = [], [{self.x}]", f"a = {self.x}",
            f"for l in range(len(self.{W})):", f"    {step}", f"    a = {chosen}", "    zs.append(z)",
            "    activations.append(a)",
            *([f"m = {self.size(self.x)}"] if self.needs_m() else []),
            *self.prepared("a"), *self.top("zs[-1]", "a", "delta"),
            f"{gW} = [None] * len(self.{W})", *([f"{gb} = [None] * len(self.{W})"] if has_bias else []),
            f"for l in reversed(range(len(self.{W}))):",
            f"    {gW}[l] = {self.dW('delta', 'activations[l]')}{over}{self.decayed(f'self.{W}[l]')}",
            *([f"    {gb}[l] = {self.db('delta')}{over}"] if has_bias else []),
            "    if l > 0:",
            f"        delta = {self.back('delta', f'self.{W}[l]')} * {slope}",
        ]  # fmt: skip
        share = " / m" if self.in_update else ""
        update = [f"for l in range(len(self.{W})):", f"    self.{W}[l] -= {self.rate} * {gW}[l]{share}"]
        if has_bias:
            update.append(f"    self.{b}[l] -= {self.rate} * {gb}[l]{share}")
        if self.returned == "step":
            self.called = [f"net.{self.step}({self.x}, {self.y}, 0.1)"]
            return lines + self.method(self.step, f"{self.x}, {self.y}, {self.rate}", [*body, *update])
        if self.returned == "kept":
            body += [f"self.{gW} = {gW}", *([f"self.{gb} = {gb}"] if has_bias else [])]
        else:
            both = [gb, gW] if self.returned == "nabla" else [gW, gb]
            body.append(f"return {', '.join(both) if has_bias else gW}")
        lines += self.method(self.backward, f"{self.x}, {self.y}", body)
        if self.has_update and self.returned != "kept":
            both = ([gb, gW] if self.returned == "nabla" else [gW, gb]) if has_bias else [gW]
            call = f"{', '.join(both)} = self.{self.backward}({self.x}, {self.y})"
            lines += self.method("train_step", f"{self.x}, {self.y}, {self.rate}", [call, *update])
        return lines

    def _layers(self) -> Lines:
        cls = self.draw.choice(("Dense", "Layer", "Linear"))
        W, b = self.draw.choice((("W", "b"), ("weights", "bias"), ("w", "b"), ("weights", "biases")))
        has_bias = self.bias != "none"
        hidden = self.hidden[0]
        initial = [f"self.{W} = np.random.randn({self.shape('n_in', 'n_out')}) * 0.1"]
        if has_bias:
            initial.append(f"self.{b} = {self.zeros('n_out')}")
        initial.append("self.is_last = is_last")
        over = " / m" if self.in_gradients else ""
        lines = [f"class {cls}:", *self.method("__init__", "n_in, n_out, is_last=False", initial)]
        chosen = f"{self.activate(self.outputs, 'self.z')} if self.is_last else {hidden}(self.z)"
        lines += self.method("forward", "x", ["self.x = x", f"self.z = {self.affine('x', f'self.{W}', f'self.{b}')}",
                                              f"self.a = {chosen}", "return self.a"])  # fmt: skip
        decay = "0.01" if self.decay else ""
        decayed = f" + {decay} * self.{W}" if decay else ""
        gW, gb = (f"d{W}", f"d{b}") if self.draw.random() < 0.6 else (f"grad_{W}", f"grad_{b}")
        back = [
            *([f"m = {self.size('grad')}"] if self.in_gradients else []),
            "if not self.is_last:", f"    grad = grad * {self.slope(hidden, 'self.z', 'self.a')}",
        ]  # fmt: skip
        own = "" if self.returned == "step" else "self."
        back.append(f"{own}{gW} = {self.dW('grad', 'self.x')}{over}{decayed}")
        if has_bias:
            back.append(f"{own}{gb} = {self.db('grad')}{over}")
        update = [f"self.{W} -= {self.rate} * {own}{gW}"]
        if has_bias:
            update.append(f"self.{b} -= {self.rate} * {own}{gb}")
        down = self.back("grad", f"self.{W}")
        if self.returned == "step":
            lines += self.method("backward", f"grad, {self.rate}", [*back, f"below = {down}", *update, "return below"])
        else:
            lines += self.method("backward", "grad", [*back, f"return {down}"])
            if self.has_update:
                lines += self.method("update", self.rate, update)
        lines.append("")
        name = self.draw.choice(("NeuralNetwork", "MLP", "Network", "Model"))
        made = [f"self.layers = [{cls}(i, o, k == len(sizes) - 2) "
                "for k, (i, o) in enumerate(zip(sizes[:-1], sizes[1:]))]"]  # fmt: skip
        lines += ["", f"class {name}:", *self.method("__init__", "sizes", made)]
        lines += self.method(self.forward, self.x, [f"out = {self.x}", "for layer in self.layers:",
                                                    "    out = layer.forward(out)", "return out"])  # fmt: skip
        penalty = f" + 0.5 * {decay} * sum(np.sum(layer.{W} ** 2) for layer in self.layers)" if decay else ""
        if self.has_loss:
            body = self.loss_lines("output", ())
            body[-1] = body[-1].replace(self.penalty(()), "") + penalty
            lines += self.method(self.loss_name, f"output, {self.y}", body)
        top = [f"out = self.{self.forward}({self.x})", *([f"m = {self.size(self.x)}"] if self.needs_m() else []),
               *self.prepared("out"), *self.top("self.layers[-1].z", "out", "grad"),
               "for layer in reversed(self.layers):"]  # fmt: skip
        if self.returned == "step":
            top.append(f"    grad = layer.backward(grad, {self.rate})")
            self.called = [f"net.{self.step}({self.x}, {self.y}, 0.1)"]
            return lines + self.method(self.step, f"{self.x}, {self.y}, {self.rate}", top)
        top.append("    grad = layer.backward(grad)")
        lines += self.method(self.backward, f"{self.x}, {self.y}", top)
        if self.has_update:
            self.called = [f"net.train_step({self.x}, {self.y}, 0.1)"]
            step = [f"self.{self.backward}({self.x}, {self.y})", "for layer in self.layers:",
                    f"    layer.update({self.rate})"]  # fmt: skip
            lines += self.method("train_step", f"{self.x}, {self.y}, {self.rate}", step)
        return lines


def write(seed: int) -> str:
    """Return the text of a right network."""
    return Network(seed).text()
