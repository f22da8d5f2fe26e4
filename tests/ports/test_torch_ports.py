"""Causes for which two files with a torch.nn.Module part: each is told by its own name, and right ports are not."""

from pathlib import Path

import pytest

from tests.ports.here import CROSS, HEAD, MODEL, ONE, SGD, UNITS, compare, parted, said

LOSSES = {
    "mean over the outputs, without 1/2": UNITS + "criterion = nn.MSELoss()\n" + SGD,
    "half the squared error, summed over the outputs, mean over the examples": UNITS
    + "def criterion(out, y):\n    return F.mse_loss(out, y, reduction='sum') / (2 * len(y))\n"
    + SGD,
    "divided by the constant 50,000": UNITS
    + "def criterion(out, y):\n    return F.mse_loss(out, y, reduction='sum') / 100_000\n"
    + SGD,
    "summed over the batch (reduction sum)": MODEL + "criterion = nn.CrossEntropyLoss(reduction='sum')\n" + SGD,
    "softmax twice": MODEL.replace("4))", "4), nn.Softmax(dim=1))") + CROSS + SGD,
    "cross-entropy of a softmax of activations": UNITS + CROSS + SGD,
    "label smoothing 0.1": MODEL + "criterion = nn.CrossEntropyLoss(label_smoothing=0.1)\n" + SGD,
    "class weights": MODEL + "criterion = nn.CrossEntropyLoss(weight=torch.tensor([1., 2., 3., 4.]))\n" + SGD,
    "NLLLoss without log_softmax": MODEL + "criterion = nn.NLLLoss()\n" + SGD,
    "sigmoid twice": UNITS + "criterion = nn.BCEWithLogitsLoss()\n" + SGD,
    "binary cross-entropy, mean over the outputs": UNITS + "criterion = nn.BCELoss()\n" + SGD,
}
FAULTS = ("50,000", "twice", "activations", "NLLLoss")


@pytest.mark.parametrize("words", LOSSES)
def test_a_loss_is_named_by_the_values_that_it_has(tmp_path: Path, words: str) -> None:
    found = compare(tmp_path, LOSSES[words])
    assert words in said(found)
    assert found.ok == (not any(fault in words for fault in FAULTS))


UPDATES = {
    "gradient descent, rate 0.1": "SGD(model.parameters(), lr=0.1)",
    "momentum, mu 0.9, rate 0.1": "SGD(model.parameters(), lr=0.1, momentum=0.9)",
    "dampening 0.2": "SGD(model.parameters(), lr=0.1, momentum=0.9, dampening=0.2)",
    "Nesterov momentum, mu 0.8": "SGD(model.parameters(), lr=0.1, momentum=0.8, nesterov=True)",
    "weight decay 0.03 coupled": "SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.03)",
    "Adam, epsilon 1e-08 beside the corrected root, rate 0.01": "Adam(model.parameters(), lr=0.01)",
    "Adam, epsilon 0.001 beside": "Adam(model.parameters(), lr=0.01, eps=1e-3)",
    "weight decay 0.02 coupled: added to the gradient": "Adam(model.parameters(), lr=0.01, weight_decay=0.02)",
    "weight decay 0.02 decoupled": "AdamW(model.parameters(), lr=0.01, weight_decay=0.02)",
    "amsgrad": "Adam(model.parameters(), lr=0.01, amsgrad=True)",
    "RMSProp, rho 0.99": "RMSprop(model.parameters(), lr=0.01)",
    "RMSProp, rho 0.9, centred": "RMSprop(model.parameters(), lr=0.01, alpha=0.9, centered=True)",
    "RMSProp, rho 0.99, momentum 0.8": "RMSprop(model.parameters(), lr=0.01, momentum=0.8)",
    "Adadelta, rho 0.9, epsilon 1e-06 within the root, rate 1 ": "Adadelta(model.parameters(), lr=1.0)",
    "Adamax, epsilon 1e-08 in the largest gradient, rate 0.002": "Adamax(model.parameters(), lr=0.002)",
    "NAdam, psi 0.004, epsilon 1e-08, rate 0.002": "NAdam(model.parameters(), lr=0.002)",
    "Adagrad": "Adagrad(model.parameters(), lr=0.1)",
}


@pytest.mark.parametrize("words", UPDATES)
def test_an_update_is_named_by_its_steps(tmp_path: Path, words: str) -> None:
    found = compare(tmp_path, MODEL + CROSS + f"optimizer = torch.optim.{UPDATES[words]}\n")
    assert words in said(found)
    assert found.ok


LOOP = """
x, y = torch.rand(60, 8), torch.arange(60) % 4
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=10, shuffle=True)
for epoch in range(3):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
"""
ADAM = "optimizer = torch.optim.Adam(model.parameters(), lr=0.01)\n"
PAIRS = {
    "epsilon: 1e-08 beside the corrected root in a, 1e-06": (ADAM, ADAM.replace("0.01", "0.01, eps=1e-6"), ""),
    "weight decay, coupled in a, decoupled in b": (
        ADAM.replace("0.01", "0.01, weight_decay=0.1"),
        ADAM.replace("Adam", "AdamW").replace("0.01", "0.01, weight_decay=0.1"),
        "",
    ),
    "Nesterov momentum in b": (SGD.replace("0.1", "0.1, momentum=0.9"),
                               SGD.replace("0.1", "0.1, momentum=0.9, nesterov=True"), ""),
    "the rate of step 2": (SGD, SGD + "schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)\n",
                           LOOP.replace("optimizer.step()", "optimizer.step()\n        schedule.step()")),
}  # fmt: skip


@pytest.mark.parametrize("words", PAIRS)
def test_what_makes_two_updates_differ_is_said(tmp_path: Path, words: str) -> None:
    one, two, loop = PAIRS[words]
    found = compare(tmp_path, MODEL + CROSS + one + LOOP, MODEL + CROSS + two + (loop or LOOP))
    assert parted(found) == ["update"]
    assert words in said(found)


def test_a_rate_that_falls_is_recovered_step_by_step(tmp_path: Path) -> None:
    falling = SGD + "schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)\n"
    loop = LOOP.replace("optimizer.step()", "optimizer.step()\n        schedule.step()")
    assert "rate 0.1 times 0.9 after each step" in said(compare(tmp_path, MODEL + CROSS + falling + loop))


RIGHT = {
    "a loop and the usual step": (MODEL + CROSS + SGD, MODEL + CROSS + SGD + LOOP),
    "NLLLoss of log_softmax": (MODEL + CROSS + ADAM,
                               MODEL.replace("4))", "4), nn.LogSoftmax(dim=1))") + "criterion = nn.NLLLoss()\n" + ADAM),
    "a class and a function": (
        MODEL + CROSS + SGD,
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.a = nn.Linear(8, 6)\n"
        "        self.b = nn.Linear(6, 4)\n    def forward(self, x):\n        return self.b(torch.tanh(self.a(x)))\n"
        + CROSS + "def fit(net, loader):\n    opt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
        "    for xb, yb in loader:\n        opt.zero_grad()\n        criterion(net(xb), yb).backward()\n"
        "        opt.step()\n",
    ),
    "momentum as torch and by hand": (
        MODEL + CROSS + SGD.replace("0.1", "0.1, momentum=0.9"),
        MODEL + CROSS + "v = [torch.zeros_like(p) for p in model.parameters()]\n" + LOOP.replace(
            "optimizer.zero_grad()", "model.zero_grad()").replace("optimizer.step()", (
                "with torch.no_grad():\n            for p, m in zip(model.parameters(), v):\n"
                "                m.mul_(0.9).add_(p.grad)\n                p -= 0.1 * m")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_port_is_not_accused(tmp_path: Path, name: str) -> None:
    found = compare(tmp_path, *RIGHT[name])
    assert found.ok, (found.rows, said(found))
    assert "to mend it" not in said(found)


def test_a_column_against_a_row_is_named_and_the_warning_is_shown(tmp_path: Path) -> None:
    data = "x, y = torch.rand(60, 5), torch.rand(60)\n" + LOOP.partition("\n")[2].partition("\n")[2]
    wrong, right = data, data.replace("yb)", "yb.unsqueeze(1))")
    head = ONE + "criterion = nn.MSELoss()\n" + SGD
    found = compare(tmp_path, head + wrong, head + right)
    assert parted(found) == ["loss", "gradients"]
    assert "a: loss: squares of each prediction against every target of the batch, (n, 1) against (n,)" in said(found)
    assert "b: loss: squared error, without 1/2, mean over the examples" in said(found)
    (warning,) = found.sides[0].caught
    assert "line " in warning
    assert "different to the input size" in warning
    assert not found.sides[1].caught


def test_gradients_that_add_up_or_are_clipped_are_told(tmp_path: Path) -> None:
    kept = LOOP.replace("        optimizer.zero_grad()\n", "")
    found = compare(tmp_path, MODEL + CROSS + SGD + LOOP, MODEL + CROSS + SGD + kept)
    assert "b: gradients are never set to zero" in said(found)
    assert "a: gradients" not in said(found)
    clip = "loss.backward()\n        nn.utils.clip_grad_norm_(model.parameters(), 0.01)"
    found = compare(tmp_path, MODEL + CROSS + SGD + LOOP.replace("loss.backward()", clip))
    assert "clipped before the update: their norm becomes 0.01" in said(found)


def test_dropout_and_normalisation_are_compared_by_their_numbers(tmp_path: Path) -> None:
    models = [MODEL.replace("nn.Tanh()", f"nn.Tanh(), nn.Dropout({p})") for p in (0.2, 0.8)]
    found = compare(tmp_path, *(model + CROSS + SGD for model in models))
    assert "dropout 0.2 in a, 0.8 in b: the share that is kept against the share that is dropped" in said(found)
    models = [MODEL.replace("nn.Tanh()", f"nn.BatchNorm1d(6, eps={eps}), nn.Tanh()") for eps in (1e-5, 1e-3)]
    found = compare(tmp_path, *(model + CROSS + SGD for model in models))
    assert parted(found)[0] == "outputs"
    assert "batch norm epsilon 1e-05 in a, 0.001 in b" in said(found)


def test_figures_rounded_to_a_lower_precision_are_told(tmp_path: Path) -> None:
    half = ("class Half(nn.Module):\n    def forward(self, z):\n        return z.to(torch.float16).to(z.dtype)\n"
            + MODEL.replace("4))", "4), Half())"))  # fmt: skip
    assert "its outputs are rounded to float16" in said(compare(tmp_path, half + CROSS + SGD))
    assert "rounded" not in said(compare(tmp_path, MODEL + CROSS + SGD))


def test_a_model_that_is_not_there_or_cannot_be_mapped_is_named(tmp_path: Path) -> None:
    from shared.adapters.port import PortError

    with pytest.raises(PortError, match=r"found no torch\.nn\.Module"):
        compare(tmp_path, HEAD + "x = 1\n")
    with pytest.raises(PortError, match="the parameters of LSTM"):
        compare(tmp_path, "model = nn.LSTM(3, 4)\n" + CROSS)
    with pytest.raises(AssertionError, match="W1 6x8 against W1 7x8"):
        compare(tmp_path, MODEL + CROSS + SGD, MODEL.replace("6", "7") + CROSS + SGD)


BACK = "        return self.b(torch.tanh(self.a(x)))\n"
NET = (
    "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.a = nn.Linear(6, 6)\n"
    "        self.b = nn.Linear(6, 4)\n    def forward(self, x):\n" + BACK + "model = Net()\n" + CROSS + SGD
)
CONV = (
    "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.a = nn.Conv2d(1, 3, 3)\n"
    "        self.b = nn.Linear(3 * 36, 4)\n    def forward(self, x):\n        h = torch.tanh(self.a(x))\n"
    "        return self.b(h.flatten(1))\nmodel = Net()\n" + CROSS + SGD
)
OUTPUTS = {
    "activations: leaky relu with slope 0.01, none": (NET.replace("torch.tanh(", "F.leaky_relu("),
                                                      NET.replace("torch.tanh(", "F.relu(")),
    "activations: gelu by tanh, none": (NET.replace("tanh(self.a(x))", "nn.functional.gelu(self.a(x))"),
        NET.replace("tanh(self.a(x))", "nn.functional.gelu(self.a(x), approximate='tanh')")),
    "W1 is used without the transpose": (NET.replace("self.a(x)", "x @ self.a.weight + self.a.bias"), NET),
    "b2 is left out": (NET.replace("self.b(torch.tanh(self.a(x)))", "torch.tanh(self.a(x)) @ self.b.weight.T"), NET),
    "the inputs are divided by 255 before the first layer": (NET.replace("self.a(x)", "self.a(x / 255)"), NET),
    "images are flattened in another order before W2": (CONV.replace("h.flatten", "h.permute(0, 2, 3, 1).flatten"),
                                                        CONV),
    "the kernels W1 are turned by 180 degrees": (CONV.replace("self.a(x)",
        "F.conv2d(x, self.a.weight.flip(2, 3), self.a.bias)"), CONV),
}  # fmt: skip


@pytest.mark.parametrize("words", OUTPUTS)
def test_why_outputs_part_is_told(tmp_path: Path, words: str) -> None:
    found = compare(tmp_path, *OUTPUTS[words])
    assert parted(found)[0] == "outputs"
    assert words in said(found)


LOW = "F.linear(low(torch.tanh(F.linear(low(x), low(self.a.weight), self.a.bias))), low(self.b.weight), self.b.bias)"
PRECISE = NET.replace("self.b(torch.tanh(self.a(x)))", LOW)


@pytest.mark.parametrize(("dtype", "words"), [("bfloat16", "bfloat16"), ("float16", "TF32 or float16")])
def test_products_in_a_lower_precision_are_told(tmp_path: Path, dtype: str, words: str) -> None:
    low = f"def low(t):\n    return t.to(torch.{dtype}).to(t.dtype)\n"
    found = compare(tmp_path, low + PRECISE, NET)
    assert f"a: its products are computed in {words}" in said(found)
    assert "products" not in said(compare(tmp_path, NET, NET))


def test_labels_that_are_shifted_are_told(tmp_path: Path) -> None:
    for change, words in (("yb + 1", "one too high"), ("yb - 1", "one too low")):
        found = compare(tmp_path, MODEL + CROSS + SGD + LOOP.replace("yb)", f"({change}) % 4)"))
        assert f"cross-entropy, mean over the examples, with labels that are {words}" in said(found)
        assert not found.ok


def test_the_layers_are_compared_one_by_one(tmp_path: Path) -> None:
    found = compare(tmp_path, NET, NET)
    (row,) = [row for row in found.rows if row.what == "layers"]
    assert (row.same, row.note) == (True, "z1 a1 z2")
    found = compare(tmp_path, NET.replace("torch.tanh(", "F.relu("), NET)
    (row,) = [row for row in found.rows if row.what == "layers"]
    assert (row.same, row.tensors, row.note) == (False, ["a1"], "z1 same")
