import numpy as np
import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer

class NeuralNetwork:
    def __init__(self, layers, learning_rate=0.01, epochs=1000, activation='relu'):
        self.layers = layers
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.activation = activation
        self.weights = []
        self.biases = []
        for i in range(len(layers) - 1):
            self.weights.append(np.random.randn(layers[i], layers[i+1]) * np.sqrt(2.0 / layers[i]))
            self.biases.append(np.zeros((1, layers[i+1])))

    def _act(self, z):
        if self.activation == 'relu':
            return np.maximum(0, z)
        return np.tanh(z)

    def _act_deriv(self, z):
        if self.activation == 'relu':
            return np.where(z > 0, 1, 0)
        return 1 - np.tanh(z)**2

    def _sigmoid(self, z):
        return 1 / (1 + np.exp(-np.clip(z, -500, 500)))

    def forward(self, X):
        self.a = [X]
        self.z = []
        for i in range(len(self.weights)):
            z = self.a[-1] @ self.weights[i] + self.biases[i]
            self.z.append(z)
            if i == len(self.weights) - 1:
                self.a.append(self._sigmoid(z))
            else:
                self.a.append(self._act(z))
        return self.a[-1]

    def backward(self, X, y, output):
        m = X.shape[0]
        dz = output - y
        for i in range(len(self.weights) - 1, -1, -1):
            dw = self.a[i].T @ dz / m
            db = np.mean(dz, axis=0, keepdims=True)
            if i > 0:
                dz = (dz @ self.weights[i].T) * self._act_deriv(self.z[i-1])
            self.weights[i] -= self.learning_rate * dw
            self.biases[i] -= self.learning_rate * db

    def loss(self, y, p):
        eps = 1e-8
        return -np.mean(y * np.log(p + eps) + (1 - y) * np.log(1 - p + eps))

    def fit(self, X, y):
        y = y.reshape(-1, 1)
        self.history = []
        for e in range(self.epochs):
            out = self.forward(X)
            self.backward(X, y, out)
            self.history.append(self.loss(y, out))
        return self

    def predict(self, X):
        return (self.forward(X) > 0.5).astype(int)

X, y = load_breast_cancer(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
nn = NeuralNetwork([30, 16, 8, 1])
nn.fit(X, y)
plt.plot(nn.history)
plt.title('training loss')
plt.show()
