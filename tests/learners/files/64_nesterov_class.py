import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.params = {
            'W1': 0.1 * np.random.randn(n_in, n_hidden), 'b1': np.zeros(n_hidden),
            'W2': 0.1 * np.random.randn(n_hidden, n_out), 'b2': np.zeros(n_out),
        }

    def predict(self, x):
        h = np.tanh(x @ self.params['W1'] + self.params['b1'])
        z = h @ self.params['W2'] + self.params['b2']
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def loss(self, x, t):
        return -np.mean(np.sum(t * np.log(self.predict(x)), axis=1))

    def gradient(self, x, t):
        h = np.tanh(x @ self.params['W1'] + self.params['b1'])
        d = (self.predict(x) - t) / len(x)
        below = d @ self.params['W2'].T * (1 - h ** 2)
        return {'W1': x.T @ below, 'b1': below.sum(axis=0), 'W2': h.T @ d, 'b2': d.sum(axis=0)}


class Nesterov:
    def __init__(self, lr=0.01, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, None
    def update(self, params, grads):
        if self.v is None:
            self.v = {k: np.zeros_like(p) for k, p in params.items()}
        for key in params.keys():
            params[key] += self.momentum * self.momentum * self.v[key]
            params[key] -= (1 + self.momentum) * self.lr * grads[key]
            self.v[key] *= self.momentum
            self.v[key] -= self.lr * grads[key]
