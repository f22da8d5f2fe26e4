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


class Adam:
    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999):
        self.lr, self.beta1, self.beta2, self.iter, self.m, self.v = lr, beta1, beta2, 0, None, None
    def update(self, params, grads):
        if self.m is None:
            self.m, self.v = {}, {}
            for key, val in params.items():
                self.m[key] = np.zeros_like(val)
                self.v[key] = np.zeros_like(val)
        self.iter += 1
        lr_t = self.lr * np.sqrt(1.0 - self.beta2**self.iter) / (1.0 - self.beta1**self.iter)
        for key in params.keys():
            self.m[key] += (1 - self.beta1) * (grads[key] - self.m[key])
            self.v[key] += (1 - self.beta2) * (grads[key]**2 - self.v[key])
            params[key] -= lr_t * self.m[key] / (np.sqrt(self.v[key]) + 1e-7)
