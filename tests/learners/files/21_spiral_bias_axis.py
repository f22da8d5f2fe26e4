import numpy as np
import nnfs
from nnfs.datasets import spiral_data

class Dense:
    def __init__(self, n_in, n_out):
        self.weights = 0.1 * np.random.randn(n_in, n_out)
        self.biases = np.zeros((1, n_out))

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues
        self.dbiases = np.sum(dvalues, axis=1, keepdims=True)
        self.dinputs = dvalues @ self.weights.T

class ReLU:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(0, inputs)

    def backward(self, dvalues):
        self.dinputs = dvalues * (self.inputs > 0)

class Softmax:
    def forward(self, inputs):
        e = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
        self.output = e / np.sum(e, axis=1, keepdims=True)

class SoftmaxCrossEntropy:
    def __init__(self):
        self.softmax = Softmax()

    def forward(self, inputs, y):
        self.softmax.forward(inputs)
        self.output = self.softmax.output
        return np.mean(-np.log(np.clip(self.output[range(len(y)), y], 1e-7, 1)))

    def backward(self, dvalues, y):
        self.dinputs = dvalues.copy()
        self.dinputs[range(len(y)), y] -= 1
        self.dinputs /= len(y)

class SGD:
    def __init__(self, lr=1.0):
        self.lr = lr

    def step(self, layer):
        layer.weights = layer.weights - self.lr * layer.dweights
        layer.biases = layer.biases - self.lr * layer.dbiases   # += gave a broadcast error here

X, y = spiral_data(100, 3)

l1, act1, l2, loss_fn = Dense(2, 64), ReLU(), Dense(64, 3), SoftmaxCrossEntropy()
opt = SGD(0.85)

for epoch in range(10001):
    l1.forward(X)
    act1.forward(l1.output)
    l2.forward(act1.output)
    loss = loss_fn.forward(l2.output, y)

    acc = np.mean(np.argmax(loss_fn.output, axis=1) == y)
    if epoch % 100 == 0:
        print('epoch', epoch, 'loss', loss, 'acc', acc)

    loss_fn.backward(loss_fn.output, y)
    l2.backward(loss_fn.dinputs)
    act1.backward(l2.dinputs)
    l1.backward(act1.dinputs)
    opt.step(l1)
    opt.step(l2)
