import numpy as np
import gzip


class NeuronalesNetz:
    """Einfaches neuronales Netz mit einer versteckten Schicht."""

    def __init__(self, eingabe, versteckt, ausgabe, lernrate=0.1):
        self.lernrate = lernrate
        self.gewichte_ev = np.random.randn(versteckt, eingabe) * 0.1
        self.schwelle_v = np.zeros((versteckt, 1))
        self.gewichte_va = np.random.randn(ausgabe, versteckt) * 0.1
        self.schwelle_a = np.zeros((ausgabe, 1))

    @staticmethod
    def aktivierung(x):
        return np.tanh(x)

    @staticmethod
    def ableitung(x):
        return 1 - np.tanh(x) ** 2

    def vorwaerts(self, x):
        self.x = x
        self.summe_v = self.gewichte_ev @ x + self.schwelle_v
        self.aus_v = self.aktivierung(self.summe_v)
        self.summe_a = self.gewichte_va @ self.aus_v + self.schwelle_a
        self.aus_a = self.aktivierung(self.summe_a)
        return self.aus_a

    def fehler(self, ziel):
        return 0.5 * np.sum((self.aus_a - ziel) ** 2) / ziel.shape[1]

    def rueckwaerts(self, ziel):
        m = ziel.shape[1]
        delta_a = (self.aus_a - ziel) * self.ableitung(self.summe_a)
        delta_v = self.gewichte_va.T @ delta_a * self.ableitung(self.summe_v)
        self.grad_va = delta_a @ self.aus_v.T / m
        self.grad_a = delta_a.sum(axis=1, keepdims=True) / m
        self.grad_ev = delta_v @ self.x.T / m
        self.grad_v = delta_v.sum(axis=1, keepdims=True) / m

    def anpassen(self):
        self.gewichte_ev -= self.lernrate * self.grad_ev
        self.schwelle_v -= self.lernrate * self.grad_v
        self.gewichte_va -= self.lernrate * self.grad_va
        self.schwelle_a -= self.lernrate * self.grad_a

    def trainieren(self, daten, ziele, epochen=10, paketgroesse=32):
        n = daten.shape[1]
        for epoche in range(epochen):
            reihenfolge = np.random.permutation(n)
            for start in range(0, n, paketgroesse):
                auswahl = reihenfolge[start:start + paketgroesse]
                self.vorwaerts(daten[:, auswahl])
                self.rueckwaerts(ziele[:, auswahl])
                self.anpassen()
            self.vorwaerts(daten)
            print(f"Epoche {epoche}: Fehler {self.fehler(ziele):.4f}")


if __name__ == "__main__":
    with gzip.open("train-images-idx3-ubyte.gz") as datei:
        bilder = np.frombuffer(datei.read(), np.uint8, offset=16).reshape(-1, 784).T / 255
    with gzip.open("train-labels-idx1-ubyte.gz") as datei:
        etiketten = np.frombuffer(datei.read(), np.uint8, offset=8)
    ziele = np.eye(10)[etiketten].T
    netz = NeuronalesNetz(784, 100, 10)
    netz.trainieren(bilder, ziele)
