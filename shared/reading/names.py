"""What names usually mean in networks that people write: inputs, labels, rates, weights, and their gradients.

The names of a file are few, and a script is run thousands of times: answers are kept.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

ROLES: Final = {
    "x": r"x|xs|xi|x_?(train|batch|data|s|in|input|mini|b|sample)?|inputs?|input_?(data|list|s_list|s|vector|layer)?|"
    r"inputs_list|data|features?|images?|imgs?|pixels|a_?0|l_?0|layer_?0|train_?x|batch_?x|training_?inputs?|sample|"
    r"vector|feature_?set|x_?0|eingaben?|daten|entradas?|datos|entr[eé]es?|shuru|train_?(data|set_input|inputs?|images?)|activation|inp|observations?",
    "y": r"y|ys|yi|t|ts|y_?(true|train|batch|data|real|actual|onehot|one_hot|hot|enc|s|b|label|labels|mini|target)?|"
    r"targets?|targets?_?(list|data|vector|s)?|\w*labels?|\w*one_?hot\w*|wanted|expected|expected_?(output|value)s?|desired|"
    r"desired_?outputs?|truth|ground_?truth|gt|train_?y|batch_?y|one_?hot_?y|one_?hot|training_?outputs?|answers?|"
    r"all_?y_?trues?|train_?labels?|correct|outputs?_?(true|expected)|actual|d|"
    r"ziele?|zielwerte?|soll|etiketten|objetivos?|etiquetas?|esperad[oa]s?|cibles?|biaoqian",
    "output": r"a|a_?[l\d]|al|y_?(hat|pred|predicted|prob|out|output|h)|yhat|yh|pred|preds|predictions?|predicted|"
    r"outputs?|out|o|probs?|probabilities|scores?|logits|result|p|final_?outputs?|h|z|last_?a|activations?|layer_?\d|"
    r"ausgaben?|vorhersagen?|salidas?|predicci[oó]n(es)?|sa[ií]das?|sorties?|shuchu",
    "rate": r"alpha|lr|eta|rate|\w*learning_?rate|step|step_?size|epsilon|l_?rate|learn_?rate|learningrate|eps|"
    r"lern_?rate|tasa\w*|taxa\w*|taux\w*|xuexi_?lv|bu_?chang",
    "decay": r"reg|lambda_?|lambd|lamb|lam|lmbda|reg_?lambda|l2|l2_?(reg|lambda)|weight_?decay|decay|regularization|"
    r"reg_?strength",
    "count": r"m|n|batch_?size|num_?examples|n_?(samples|examples)|m_?train|mini_?batch_?size|size|num_?samples|"
    r"examples|n_?train|bs|k|nn?_?samples",
    "epochs": r"n?_?epochs?|num_?epochs?|iterations?|n_?iters?|num_?iter(ation)?s?|n_?iterations?|passes|num_?passes|"
    r"num_?steps|steps|max_?iters?|iters?|"
    r"epochen|[eé]pocas?|[eé]poques?|durchl(ae|ä)ufe|iteraciones|diedai\w*|lunshu",
    "cache": r"\w*caches?|\w*memory|\w*intermediates?|store|forward_?pass|history|tape|ctx|activations|zs|values",
    "parameters": r"(param(eter)?s?|params)(_?(values?|dict|list))?|model|weights?|"
    r"thetas?|(neural_?)?net(work)?|parameters?|layers|weights_and_biases|nn|p",
    "gradients": r"(grads?|gradients?)(_?(values?|dict|list))?|d?_?params|"
    r"dparameters|deltas?|updates?|changes?|nablas?|change|change_w",
    "quiet": r"verbose|print_\w+|debug|plot\w*|show\w*|disp\w*|log\w*",
}
"""role -> the names that have it, in small letters and without underscores at the ends"""
OFTEN_OTHERS: Final = (("alpha", "step"), ("eps", "epsilon"))
"""Names of the learning rate that are also those of a slope or a counter, and of what keeps a divisor from 0."""
_COMPILED: Final = {role: re.compile(f"(?:{pattern})") for role, pattern in ROLES.items()}
BIAS: Final = re.compile(
    r"b(?:ias(?:es)?)?(?:_?(?:[a-z]{0,2}|h\d?|hidden|out(?:put)?|\d+))?|(?:hidden|output|h|o)\d?_?bias(?:es)?"
)
WEIGHT: Final = re.compile(
    r"w(?:eights?)?(?:_?(?:[a-z]{0,2}|hidden|out(?:put)?|input_hidden|hidden_output|\d+))?|weights?_?\w*|syn(?:apse)?_?\d|"
    r"theta_?\d?|kernel_?\d?|wih|who|(?:hidden|output|h|o)\d?_?weights?"
)
GRADIENT: Final = re.compile(
    r"(?:d_?(?:l|j|c|e|cost|loss)_?d_?|d_?|grads?_?|gradients?_?|g_?|nabla_?|delta_?|change_?|d(?:elta)?_?)(?P<after>.+)|"
    r"(?P<before>.+?)_?(?:grads?|gradients?|deltas?|updates?|adjustments?|d|derivatives?)"
)


@cache
def plain(name: str) -> str:
    """Return a name in small letters, without `self.` and outer underscores."""
    return name.rpartition(".")[2].lower().strip("_")


@cache
def has_role(name: str, role: str) -> bool:
    """Return whether a name usually has a role."""
    return _COMPILED[role].fullmatch(plain(name)) is not None


def doubt(name: str) -> int:
    """Return how often a name of the learning rate means another number: 0 never, 1 alpha, of a slope, 2 eps."""
    return next((i for i, names in enumerate(OFTEN_OTHERS, 1) if plain(name) in names), 0)


def is_rate(name: str, others: Iterable[str]) -> bool:
    """Return whether a name is that of the learning rate, beside others: eps is only where nothing else is."""
    return has_role(name, "rate") and all(doubt(name) <= doubt(other) for other in others if has_role(other, "rate"))


@cache
def is_bias(name: str) -> bool:
    """Return whether an array of this name is usually a bias, such as b1, bias or b_h."""
    return BIAS.fullmatch(_owner(name)) is not None


@cache
def is_weight(name: str) -> bool:
    """Return whether an array of this name is usually a matrix of weights, such as W1, w_ih or syn0."""
    return not is_bias(name) and WEIGHT.fullmatch(_owner(name)) is not None


@cache
def _owner(name: str) -> str:
    """Return the word that says what an element is: weights of weights[0], W1 of params['W1']."""
    keys = re.findall(r"\['(\w+)'\]", name)
    return plain(keys[-1] if keys else re.sub(r"\[\d+\]", "", name))


def gradient_of(name: str, parameters: Iterable[str]) -> str | None:
    """Return the parameter whose gradient a name usually is: W1 for dW1, grad_w1, nabla_W1; None for none."""
    return _gradient_of(name, tuple(parameters))


@cache
def _gradient_of(name: str, parameters: tuple[str, ...]) -> str | None:
    asked = _owner(name)
    known: dict[str, str] = {}
    for parameter in parameters:
        known.setdefault(_bare(_owner(parameter)), parameter)
    match = GRADIENT.fullmatch(asked)
    for word in [match["after"] or match["before"]] if match else []:
        if _bare(word) in known:
            return known[_bare(word)]
    return known.get(_bare(asked))


def is_gradient(name: str) -> bool:
    """Return whether a name is usually that of the gradients of weights or of biases: nabla_w, grads_b, dW."""
    match = GRADIENT.fullmatch(plain(name))
    word = (match["after"] or match["before"]) if match else ""
    return is_weight(word) or is_bias(word)


def _bare(word: str) -> str:
    return word.replace("_", "")


def in_order(names: list[str]) -> list[str]:
    """Return names sorted with their numbers as numbers: W2 before W10."""
    return sorted(names, key=lambda name: [int(part) if part.isdigit() else 0 for part in re.findall(r"\d+|\D+", name)])
