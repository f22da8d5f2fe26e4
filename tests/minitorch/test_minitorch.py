"""minitorch: every operation against finite differences, the graph, the layers, the optimizers and the errors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from minitorch import Tensor, functional, nn, no_grad, optim

Function = Callable[..., Tensor]

A, B = (3, 4), (4, 2)
OPERATIONS: dict[str, tuple[Function, list[tuple[int, ...]]]] = {
    "a + b": (lambda a, b: a + b, [A, A]),
    "a + b, b a row": (lambda a, b: a + b, [A, (4,)]),
    "a + b, b a column": (lambda a, b: a + b, [A, (3, 1)]),
    "a + b, both stretched": (lambda a, b: a + b, [(3, 1), (1, 4)]),
    "a + b, b one number": (lambda a, b: a + b, [A, ()]),
    "a + b, a of fewer axes": (lambda a, b: a + b, [(4,), (2, 3, 4)]),
    "a + a": (lambda a: a + a, [A]),
    "a + 2": (lambda a: a + 2, [A]),
    "2 + a": (lambda a: 2 + a, [A]),
    "a - b": (lambda a, b: a - b, [A, (4,)]),
    "2 - a": (lambda a: 2 - a, [A]),
    "array - a": (lambda a: np.ones(A) - a, [A]),
    "-a": (lambda a: -a, [A]),
    "a * b": (lambda a, b: a * b, [A, A]),
    "a * b, b a column": (lambda a, b: a * b, [A, (3, 1)]),
    "a * a": (lambda a: a * a, [A]),
    "2 * a": (lambda a: 2 * a, [A]),
    "a / b": (lambda a, b: a / b, [A, A]),
    "a / b, b a row": (lambda a, b: a / b, [A, (4,)]),
    "a / 2": (lambda a: a / 2, [A]),
    "2 / a": (lambda a: 2 / a, [A]),
    "a ** 2": (lambda a: a**2, [A]),
    "a ** 3": (lambda a: a**3, [A]),
    "a ** -0.5": (lambda a: a**-0.5, [A]),
    "a ** 0": (lambda a: a**0, [A]),
    "a @ b": (lambda a, b: a @ b, [A, B]),
    "a @ a.T": (lambda a: a @ a.T, [A]),
    "array @ a": (lambda a: np.full(A, 0.5) @ a, [B]),
    "a @ array": (lambda a: a @ np.full(B, 0.5), [A]),
    "exp": (lambda a: a.exp(), [A]),
    "log": (lambda a: a.log(), [A]),
    "sum": (lambda a: a.sum(), [A]),
    "sum of columns": (lambda a: a.sum(axis=0), [A]),
    "sum of rows, kept": (lambda a: a.sum(axis=1, keepdims=True), [A]),
    "mean": (lambda a: a.mean(), [A]),
    "mean of rows": (lambda a: a.mean(axis=1), [A]),
    "mean of columns, kept": (lambda a: a.mean(axis=0, keepdims=True), [A]),
    "reshape": (lambda a: a.reshape(2, 6), [A]),
    "flatten": (functional.flatten, [(2, 3, 2)]),
    "T": (lambda a: a.T, [A]),
    "a[1]": (lambda a: a[1], [A]),
    "a[:, 1:3]": (lambda a: a[:, 1:3], [A]),
    "a[rows], one twice": (lambda a: a[np.array([2, 0, 2])], [A]),
    "a[row, column]": (lambda a: a[1, 2], [A]),
    "conv2d": (functional.conv2d, [(2, 2, 4, 3), (3, 2, 3, 3)]),
    "conv2d of 5x5": (functional.conv2d, [(1, 1, 3, 4), (2, 1, 5, 5)]),
    "conv2d of 1x1": (functional.conv2d, [(2, 3, 2, 2), (2, 3, 1, 1)]),
    "max_pool2d": (functional.max_pool2d, [(2, 3, 4, 2)]),
    "sigmoid": (functional.sigmoid, [A]),
    "tanh": (functional.tanh, [A]),
    "relu": (functional.relu, [A]),
    "leaky_relu": (lambda a: functional.leaky_relu(a, 0.01), [A]),
    "log_softmax": (functional.log_softmax, [A]),
    "softmax": (functional.softmax, [A]),
    "cross_entropy": (functional.cross_entropy, [A, A]),
    "binary_cross_entropy": (functional.binary_cross_entropy, [A, A]),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_is_differentiated_rightly(name: str) -> None:
    """<v, f(x + h e) - f(x - h e)> / 2h for every entry e of every input, v a random cotangent."""
    operation, shapes = OPERATIONS[name]
    rng = np.random.default_rng(20261124)
    # Away from 0, where relu has a corner; positive where a logarithm or a root is taken.
    sign = 1 if name in ("log", "a ** -0.5") else rng.choice([-1.0, 1.0], size=(2, 3, 4))
    inputs = [Tensor(rng.uniform(0.5, 1.5, (2, 3, 4)) * sign, requires_grad=True) for _ in shapes]
    for tensor, shape in zip(inputs, shapes, strict=True):
        tensor.data = np.resize(tensor.data, shape)
    output = operation(*inputs)
    cotangent = Tensor(rng.standard_normal(output.shape))
    (output * cotangent).sum().backward()

    h = 1e-5
    for tensor in inputs:
        expected = np.zeros_like(tensor.data)
        for index in np.ndindex(*tensor.shape):
            middle = tensor.data[index].copy()
            ends = []
            for there in (middle + h, middle - h):
                tensor.data[index] = there
                ends.append(float((operation(*inputs).data * cotangent.data).sum()))
            tensor.data[index] = middle
            expected[index] = (ends[0] - ends[1]) / (2 * h)
        assert tensor.grad is not None
        assert tensor.grad.shape == tensor.shape
        np.testing.assert_allclose(tensor.grad, expected, rtol=1e-7, atol=1e-8)


def test_no_operation_is_left_out() -> None:
    """Every function that gives a pullback is written in some operation above."""
    functions = [getattr(value, "fget", value) for value in [*vars(Tensor).values(), *vars(functional).values()]]
    written = {f.__name__ for f in functions if "computed" in getattr(getattr(f, "__code__", None), "co_names", ())}
    signs = {"add": "a + b", "mul": "a * b", "truediv": "a / b", "pow": "a ** 2", "matmul": "a @ b", "getitem": "a[1]"}
    assert written <= {f"__{name}__" for name in signs} | set(OPERATIONS)
    assert {f"__{name}__" for name in signs} <= written
    assert set(signs.values()) <= set(OPERATIONS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_keeps_the_dtype(name: str, dtype: Any) -> None:
    if "array" in name:
        return
    operation, shapes = OPERATIONS[name]
    inputs = [Tensor(np.full(shape, 0.5, dtype), requires_grad=True) for shape in shapes]
    output = operation(*inputs)
    output.sum().backward()
    assert output.data.dtype == dtype
    assert {tensor.grad.dtype for tensor in inputs if tensor.grad is not None} == {np.dtype(dtype)}


def chain(depth: int) -> tuple[Tensor, Tensor]:
    x = Tensor(np.array([1.0]), requires_grad=True)
    y = x
    for _ in range(depth):
        y = y + x
    return x, y.sum()


def test_a_graph_of_many_nodes_does_not_overflow_the_stack() -> None:
    x, y = chain(20_000)
    assert len(y.topological_order()) == 20_002
    y.backward()
    assert x.grad is not None
    assert x.grad.tolist() == [20_001.0]


def test_a_tensor_used_in_many_places_gets_the_sum_and_is_visited_once() -> None:
    """A ladder of 60 diamonds has 2**60 paths."""
    x = Tensor(np.array([1.0]), requires_grad=True)
    y = x
    for _ in range(60):
        y = (y * 0.5) + (y * 0.5)
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1.0]


def test_topological_order_puts_inputs_before_outputs() -> None:
    a, b = (Tensor(np.array([v]), requires_grad=True) for v in (2.0, 3.0))
    y = ((a * b) + (a + b) * a).sum()
    order = y.topological_order()
    place = {id(tensor): k for k, tensor in enumerate(order)}
    assert len(place) == len(order) == 7
    assert all(place[id(each)] < place[id(tensor)] for tensor in order for each in tensor.inputs)


def test_backward_adds_to_what_is_there_and_zero_grad_forgets_it() -> None:
    x = Tensor(np.array([2.0]), requires_grad=True)
    for expected in (4.0, 8.0):
        (x * x).sum().backward()
        assert x.grad is not None
        assert x.grad.tolist() == [expected]
    optim.SGD([x], lr=1.0).zero_grad()
    assert x.grad is None


def test_gradients_share_no_memory() -> None:
    a, b = (Tensor(np.ones(3), requires_grad=True) for _ in range(2))
    (a + b).sum().backward()
    assert a.grad is not None
    a.grad += 1  # backward's own array, not broadcast, not b's
    assert b.grad is not None
    assert b.grad.tolist() == [1.0, 1.0, 1.0]


def test_what_requires_no_gradient_gets_none_and_is_not_remembered() -> None:
    x, w = Tensor(np.ones((2, 3))), Tensor(np.ones((3, 1)), requires_grad=True)
    (x @ w).sum().backward()
    assert x.grad is None
    assert (x * 2).inputs == ()
    with no_grad():
        y = (x @ w).sum()
    assert y.inputs == ()
    with pytest.raises(ValueError, match="depends on none that requires a gradient"):
        y.backward()


def test_no_grad_ends_with_an_error_inside() -> None:
    with pytest.raises(KeyError), no_grad():
        raise KeyError
    assert Tensor(np.ones(1), requires_grad=True).sum().requires_grad


def test_backward_of_more_than_one_number_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got a tensor of shape \(2, 3\), expected a single number"):
        Tensor(np.ones((2, 3)), requires_grad=True).backward()


def test_matmul_of_other_than_matrices_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got shapes \(2, 3\) and \(3,\), expected two matrices"):
        Tensor(np.ones((2, 3))) @ Tensor(np.ones(3))


@pytest.mark.parametrize("function", [functional.sigmoid, functional.tanh, functional.log_softmax, functional.softmax])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_numbers_overflow_nowhere(function: Function, dtype: Any) -> None:
    z = Tensor(np.array([[-1e4, 0.0, 1e4]], dtype), requires_grad=True)
    output = function(z)
    output.sum().backward()
    assert np.isfinite(output.data).all()
    assert z.grad is not None
    assert np.isfinite(z.grad).all()


def test_modules_give_their_parameters_in_order() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Sequential(nn.Linear(3, 2), nn.LeakyReLU()))
    assert [theta.shape for theta in model.parameters()] == [(3, 4), (3,), (2, 3), (2,)]
    assert model(Tensor(np.ones((5, 4), np.float32))).shape == (5, 2)


def test_a_layer_without_bias_has_a_weight_alone() -> None:
    layer = nn.Linear(4, 3, bias=False)
    assert [theta.shape for theta in layer.parameters()] == [(3, 4)]
    x = np.ones((5, 4), np.float32)
    np.testing.assert_allclose(layer(Tensor(x)).data, x @ layer.weight.data.T)


def test_softmax_and_identity_as_modules() -> None:
    z = Tensor(np.array([[0.0, 1.0], [1e4, -1e4]]))
    np.testing.assert_allclose(nn.Softmax()(z).data, functional.softmax(z).data)
    assert nn.Identity()(z) is z


def test_the_binary_cross_entropy_keeps_small_losses() -> None:
    z, y = Tensor(np.array([[40.0, -1e4, 1e4]])), Tensor(np.array([[1.0, 0.0, 1.0]]))
    np.testing.assert_allclose(functional.binary_cross_entropy(z, y).item(), np.exp(-40.0), rtol=1e-12)


def test_linear_draws_from_the_generator_that_it_is_given() -> None:
    weights = [nn.Linear(4, 3, generator=np.random.default_rng(seed)).weight.data for seed in (1, 1, 2)]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert (weights[0] != weights[2]).any()
    assert abs(weights[0]).max() <= 0.5


def recipes() -> dict[str, tuple[Callable[..., optim.Optimizer], list[float]]]:
    """An optimizer -> theta after 1 and after 2 steps of rate 0.1 with g = 2 from theta = 1, by hand."""
    return {
        "sgd": (optim.SGD, [0.8, 0.6]),
        "momentum": (lambda theta, lr: optim.SGD(theta, lr, momentum=0.5), [0.8, 0.5]),
        # m_hat / sqrt(v_hat) is 1 for a constant gradient
        "adam": (optim.Adam, [0.9, 0.8]),
    }


@pytest.mark.parametrize("name", recipes())
def test_optimizers_take_the_steps_of_their_formulas(name: str) -> None:
    optimizer, expected = recipes()[name]
    theta: Tensor = Tensor(np.array([1.0]), requires_grad=True)
    still = Tensor(np.array([1.0]), requires_grad=True)  # no gradient reaches it
    chosen = optimizer([theta, still], 0.1)
    for value in expected:
        chosen.zero_grad()
        (theta * 2).sum().backward()
        chosen.step()
        np.testing.assert_allclose(theta.data, [value], rtol=1e-7)
    assert still.data.tolist() == [1.0]


def test_a_small_network_learns() -> None:
    rng = np.random.default_rng(1)
    x: NDArray[Any] = rng.standard_normal((64, 2)).astype(np.float32)
    y = np.eye(2, dtype=np.float32)[(x[:, 0] * x[:, 1] > 0).astype(int)]
    model = nn.Sequential(nn.Linear(2, 16, generator=rng), nn.Tanh(), nn.Linear(16, 2, generator=rng))
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(Tensor(x)), Tensor(y))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 < 0.5 < losses[0]


def test_a_tensor_shows_what_it_is() -> None:
    assert repr(Tensor(np.array([1.0]), requires_grad=True)) == "Tensor([1.], requires_grad=True)"
    assert repr(Tensor(np.array([1.0]))) == "Tensor([1.])"
