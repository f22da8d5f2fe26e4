"""Names in German, Spanish, French, Portuguese, pinyin, and of agents: sizes of a network, its methods, its rate."""

from pathlib import Path

import pytest

from shared.diagnosis.as_written import judge
from shared.diagnosis.facts import Facts, Options, Subject

NETWORK = """
import numpy as np

class Net:
    def __init__(self, {n_in}, {n_hidden}, {n_out}, {rate}):
        self.W1, self.b1 = np.random.randn({n_in}, {n_hidden}), np.zeros((1, {n_hidden}))
        self.W2, self.b2 = np.random.randn({n_hidden}, {n_out}), np.zeros((1, {n_out}))
        self.{rate} = {rate}

    def {forward}(self, {x}):
        self.a = np.tanh({x} @ self.W1 + self.b1)
        return self.a @ self.W2 + self.b2

    def {loss}(self, {output}, {y}):
        return 0.5 * np.sum(({output} - {y}) ** 2)

    def {train}(self, {x}, {y}, {epochs}=100):
        for _ in range({epochs}):
            {output} = self.{forward}({x})
            d2 = {output} - {y}
            d1 = (d2 @ self.W2.T) * (1 - self.a**2)
            self.W2 -= self.{rate} * self.a.T @ d2
            self.b2 -= self.{rate} * d2.sum(axis=0, keepdims=True)
            self.W1 -= self.{rate} * {x}.T @ d1
            self.b1 -= self.{rate} * d1.sum(axis=0, keepdims=True)
"""
WORDS = ("n_in", "n_hidden", "n_out", "rate", "forward", "loss", "train", "x", "y", "output", "epochs")
LANGUAGES = """
eingaben versteckte ausgaben lernrate vorwaerts verlust trainiere eingabe ziele ausgabe epochen
n_eingabe n_versteckt n_ausgabe lernrate vorwärts fehler lerne x y vorhersage epochen
entradas ocultas salidas tasa adelante perdida entrenar x y salida epocas
n_entradas n_ocultas n_salidas tasa_aprendizaje adelante costo entrenar entrada objetivo salida epocas
neuronas_entrada neuronas_ocultas neuronas_salida tasa propagar_adelante perdida entrenar x y salida épocas
entrees cachees sorties taux avant perte entrainer entree cible sortie epoques
nb_entrées nb_cachées nb_sorties taux_apprentissage avant cout apprendre x y sortie époques
entradas escondidas saidas taxa frente perda treinar entrada alvo saida epocas
n_entradas n_ocultos n_saídas taxa_aprendizado propagar_frente custo treinar x y saída epocas
shuru_size yincang_size shuchu_size xuexi_lv qianxiang sunshi xunlian x y shuchu lunshu
state_size hidden_size action_size learning_rate predict loss train state target q epochs
"""


@pytest.mark.parametrize("line", LANGUAGES.split("\n")[1:-1])
def test_a_network_in_another_language_is_read(line: str, tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(NETWORK.format(**dict(zip(WORDS, line.split(), strict=True))), encoding="utf-8")
    facts = Subject.load(str(path)).facts(Options())
    assert isinstance(facts, Facts)
    assert facts.layout.sizes == (6, 5, 3)
    assert judge(facts).right
    path.write_text(path.read_text(encoding="utf-8").replace("(1 - self.a**2)", "1"), encoding="utf-8")
    assert not judge(Subject.load(str(path)).facts(Options())).right
