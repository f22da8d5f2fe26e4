import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1 = np.random.randn(n_in, n_hidden) * 0.1
        self.W2 = np.random.randn(n_hidden, n_out) * 0.1
        self.v1, self.v2 = np.zeros_like(self.W1), np.zeros_like(self.W2)
        self.s1, self.s2 = np.zeros_like(self.W1), np.zeros_like(self.W2)
        self.t = 0

    def forward(self, X):
        self.h = np.tanh(X @ self.W1)
        return self.h @ self.W2

    def loss(self, X, y):
        return np.mean(np.sum((self.forward(X) - y) ** 2, axis=1))

    def train(self, X, y, lr):
        out = self.forward(X)
        d = 2 * (out - y) / len(X)
        g2 = self.h.T @ d
        g1 = X.T @ (d @ self.W2.T * (1 - self.h ** 2))
        self.v1 = 0.9 * self.v1 + 0.1 * g1
        self.v2 = 0.9 * self.v2 + 0.1 * g2
        self.W1 -= lr * self.v1
        self.W2 -= lr * self.v2
