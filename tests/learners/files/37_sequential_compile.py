"""minikeras - a tiny deep learning framework, just numpy, for learning purposes"""
import numpy as np


class ReLU:
    def __call__(self, x):
        return np.maximum(x, 0.0)

    def gradient(self, x):
        return (x > 0).astype(x.dtype)


class Sigmoid:
    def __call__(self, x):
        return 1.0 / (1.0 + np.exp(-x))

    def gradient(self, x):
        s = self(x)
        return s * (1.0 - s)


class Linear:
    def __call__(self, x):
        return x

    def gradient(self, x):
        return np.ones_like(x)


class MeanSquaredError:
    def __call__(self, y_true, y_pred):
        return np.mean(np.square(y_pred - y_true))

    def gradient(self, y_true, y_pred):
        return 2.0 * (y_pred - y_true) / y_true.size


class BinaryCrossentropy:
    eps = 1e-12

    def __call__(self, y_true, y_pred):
        p = np.clip(y_pred, self.eps, 1 - self.eps)
        return -np.mean(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))

    def gradient(self, y_true, y_pred):
        p = np.clip(y_pred, self.eps, 1 - self.eps)
        return (p - y_true) / (p * (1 - p)) / y_true.size


ACTIVATIONS = {'relu': ReLU, 'sigmoid': Sigmoid, 'linear': Linear}
LOSSES = {'mse': MeanSquaredError, 'binary_crossentropy': BinaryCrossentropy}


class Dense:
    def __init__(self, units, activation='linear', input_dim=None):
        self.units = units
        self.activation = ACTIVATIONS[activation]()
        self.input_dim = input_dim

    def build(self, input_dim, rng):
        limit = np.sqrt(6.0 / (input_dim + self.units))
        self.kernel = rng.uniform(-limit, limit, size=(input_dim, self.units))
        self.bias = np.zeros(self.units)

    def forward(self, x):
        self.x = x
        self.z = x @ self.kernel + self.bias
        return self.activation(self.z)

    def backward(self, grad):
        grad = grad * self.activation.gradient(self.z)
        self.grad_kernel = self.x.T @ grad
        self.grad_bias = grad.sum(axis=0)
        return grad @ self.kernel.T


class SGD:
    def __init__(self, lr=0.01):
        self.lr = lr

    def apply(self, layers):
        for layer in layers:
            layer.kernel -= self.lr * layer.grad_kernel
            layer.bias -= self.lr * layer.grad_bias


class Sequential:
    def __init__(self, seed=None):
        self.layers = []
        self.rng = np.random.default_rng(seed)

    def add(self, layer):
        self.layers.append(layer)

    def compile(self, loss, optimizer):
        self.loss = LOSSES[loss]()
        self.optimizer = optimizer
        dim = self.layers[0].input_dim
        for layer in self.layers:
            layer.build(dim, self.rng)
            dim = layer.units

    def predict(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def train_on_batch(self, x, y):
        y_pred = self.predict(x)
        grad = self.loss.gradient(y, y_pred)
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        self.optimizer.apply(self.layers)
        return self.loss(y, y_pred)

    def fit(self, x, y, epochs=1, batch_size=32, verbose=1):
        n = len(x)
        for epoch in range(epochs):
            order = self.rng.permutation(n)
            losses = []
            for start in range(0, n, batch_size):
                idx = order[start:start + batch_size]
                losses.append(self.train_on_batch(x[idx], y[idx]))
            if verbose:
                print(f'Epoch {epoch + 1}/{epochs} - loss: {np.mean(losses):.4f}')


if __name__ == '__main__':
    X = np.array([[0., 0.], [0., 1.], [1., 0.], [1., 1.]])
    y = np.array([[0.], [1.], [1.], [0.]])

    model = Sequential(seed=1)
    model.add(Dense(8, activation='relu', input_dim=2))
    model.add(Dense(4, activation='relu'))
    model.add(Dense(1, activation='sigmoid'))
    model.compile(loss='binary_crossentropy', optimizer=SGD(lr=0.5))
    model.fit(X, y, epochs=500, batch_size=4, verbose=0)
    print(model.predict(X).round(3))
