import numpy as np
import pandas as pd


def label_matrix(y, k):
    T = np.zeros((len(y), k))
    for i in range(len(y)):
        T[i, y[i] - 1] = 1
    return T


class NeuralNetClassifier:

    def __init__(self, hidden=40, classes=10, alpha=0.3, batch=50, epochs=15):
        self.hidden = hidden
        self.classes = classes
        self.alpha = alpha
        self.batch = batch
        self.epochs = epochs

    def _init_weights(self, features):
        self.w_in = np.random.normal(scale=features ** -0.5, size=(features, self.hidden))
        self.b_in = np.zeros(self.hidden)
        self.w_out = np.random.normal(scale=self.hidden ** -0.5, size=(self.hidden, self.classes))
        self.b_out = np.zeros(self.classes)

    def _sigmoid(self, s):
        return 1 / (1 + np.exp(-s))

    def _forward(self, X):
        h = self._sigmoid(np.dot(X, self.w_in) + self.b_in)
        s = np.dot(h, self.w_out) + self.b_out
        e = np.exp(s - s.max(axis=1, keepdims=True))
        return h, e / e.sum(axis=1, keepdims=True)

    def _cross_entropy(self, p, y):
        return -np.mean(np.log(p[np.arange(len(y)), y]))

    def _backward(self, X, y, h, p):
        T = label_matrix(y, self.classes)
        d_out = (p - T) / len(y)
        d_hid = np.dot(d_out, self.w_out.T) * h * (1 - h)
        return np.dot(X.T, d_hid), d_hid.sum(axis=0), np.dot(h.T, d_out), d_out.sum(axis=0)

    def fit(self, X, y):
        self._init_weights(X.shape[1])
        for epoch in range(self.epochs):
            order = np.random.permutation(len(X))
            for start in range(0, len(X), self.batch):
                pick = order[start:start + self.batch]
                h, p = self._forward(X[pick])
                g_w_in, g_b_in, g_w_out, g_b_out = self._backward(X[pick], y[pick], h, p)
                self.w_in -= self.alpha * g_w_in
                self.b_in -= self.alpha * g_b_in
                self.w_out -= self.alpha * g_w_out
                self.b_out -= self.alpha * g_b_out
            print("epoch", epoch, "cross entropy", self._cross_entropy(self._forward(X)[1], y))
        return self

    def predict(self, X):
        return np.argmax(self._forward(X)[1], axis=1)

    def score(self, X, y):
        return np.mean(self.predict(X) == y)


if __name__ == "__main__":
    # accuracy is 0.3 %, worse than guessing!?
    train = pd.read_csv("mnist_train.csv").values
    X, y = train[:, 1:] / 255, train[:, 0]
    clf = NeuralNetClassifier().fit(X, y)
    print("accuracy", clf.score(X, y))
