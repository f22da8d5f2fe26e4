import numpy as np
from sklearn.datasets import load_digits
from sklearn.preprocessing import OneHotEncoder

# My network with leaky relu trains, but a lot of the neurons still die. I thought leaky relu prevents that?


def leaky_relu(z):
    return np.where(z > 0, z, 0.01 * z)


def d_leaky_relu(z):
    return np.where(z > 0, 1, 0)


def softmax(z):
    e = np.exp(z - z.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


class MyNetwork(object):
    def __init__(self, dims, seed=42):
        rs = np.random.RandomState(seed)
        self.layers = []
        for i in range(len(dims) - 1):
            self.layers.append({
                'W': rs.randn(dims[i + 1], dims[i]) * np.sqrt(2.0 / dims[i]),
                'b': np.zeros((dims[i + 1], 1)),
                'activation': 'leaky_relu' if i < len(dims) - 2 else 'softmax',
            })

    def forward(self, X):
        a = X
        for layer in self.layers:
            layer['input'] = a
            layer['z'] = layer['W'] @ a + layer['b']
            if layer['activation'] == 'leaky_relu':
                a = leaky_relu(layer['z'])
            else:
                a = softmax(layer['z'])
            layer['a'] = a
        return a

    def loss(self, X, Y):
        P = self.forward(X)
        return -np.sum(Y * np.log(P + 1e-12)) / X.shape[1]

    def backward(self, Y):
        m = Y.shape[1]
        dz = self.layers[-1]['a'] - Y
        for i in reversed(range(len(self.layers))):
            layer = self.layers[i]
            layer['dW'] = dz @ layer['input'].T / m
            layer['db'] = dz.sum(axis=1, keepdims=True) / m
            if i > 0:
                da = layer['W'].T @ dz
                dz = da * d_leaky_relu(self.layers[i - 1]['z'])

    def step(self, lr):
        for layer in self.layers:
            layer['W'] -= lr * layer['dW']
            layer['b'] -= lr * layer['db']


digits = load_digits()
X = digits.data.T / 16.0
Y = OneHotEncoder().fit_transform(digits.target.reshape(-1, 1)).toarray().T

nn = MyNetwork([64, 32, 16, 10])
for it in range(1000):
    nn.forward(X)
    nn.backward(Y)
    nn.step(0.1)
    if it % 100 == 0:
        print(it, nn.loss(X, Y), (nn.forward(X).argmax(0) == digits.target).mean())
