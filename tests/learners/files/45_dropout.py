import numpy as np

np.random.seed(1)


class Net:
    """784-100-50-10 with inverted dropout after each hidden layer"""

    def __init__(self, n_in=784, n_h1=100, n_h2=50, n_out=10, keep_prob=0.8):
        self.W1 = np.random.randn(n_in, n_h1) * 0.05
        self.b1 = np.zeros((1, n_h1))
        self.W2 = np.random.randn(n_h1, n_h2) * 0.1
        self.b2 = np.zeros((1, n_h2))
        self.W3 = np.random.randn(n_h2, n_out) * 0.1
        self.b3 = np.zeros((1, n_out))
        self.keep_prob = keep_prob

    def forward(self, X, training=True):
        self.X = X
        self.Z1 = X.dot(self.W1) + self.b1
        self.A1 = np.maximum(0, self.Z1)
        if training:
            self.D1 = (np.random.rand(*self.A1.shape) < self.keep_prob) / self.keep_prob
            self.A1 = self.A1 * self.D1
        self.Z2 = self.A1.dot(self.W2) + self.b2
        self.A2 = np.maximum(0, self.Z2)
        if training:
            self.D2 = (np.random.rand(*self.A2.shape) < self.keep_prob) / self.keep_prob
            self.A2 = self.A2 * self.D2
        self.Z3 = self.A2.dot(self.W3) + self.b3
        e = np.exp(self.Z3 - self.Z3.max(axis=1, keepdims=True))
        self.probs = e / e.sum(axis=1, keepdims=True)
        return self.probs

    def compute_loss(self, y):
        return -np.mean(np.log(self.probs[np.arange(y.shape[0]), y] + 1e-10))

    def backward(self, y):
        m = y.shape[0]
        dZ3 = self.probs.copy()
        dZ3[np.arange(m), y] -= 1
        dZ3 /= m
        self.dW3 = self.A2.T.dot(dZ3)
        self.db3 = dZ3.sum(axis=0, keepdims=True)
        dA2 = dZ3.dot(self.W3.T) * self.D2
        dZ2 = dA2 * (self.Z2 > 0)
        self.dW2 = self.A1.T.dot(dZ2)
        self.db2 = dZ2.sum(axis=0, keepdims=True)
        dA1 = dZ2.dot(self.W2.T) * self.D1
        dZ1 = dA1 * (self.Z1 > 0)
        self.dW1 = self.X.T.dot(dZ1)
        self.db1 = dZ1.sum(axis=0, keepdims=True)

    def update(self, lr):
        for p in ('W1', 'b1', 'W2', 'b2', 'W3', 'b3'):
            setattr(self, p, getattr(self, p) - lr * getattr(self, 'd' + p))


def train(net, X, y, epochs=10, batch_size=128, lr=0.1):
    for epoch in range(epochs):
        np.random.seed(epoch)
        perm = np.random.permutation(X.shape[0])
        total = 0
        for i in range(0, X.shape[0], batch_size):
            xb, yb = X[perm[i:i + batch_size]], y[perm[i:i + batch_size]]
            net.forward(xb)
            total += net.compute_loss(yb) * len(yb)
            net.backward(yb)
            net.update(lr)
        acc = np.mean(net.forward(X, training=False).argmax(axis=1) == y)
        print('epoch', epoch, 'loss', total / X.shape[0], 'acc', acc)


if __name__ == '__main__':
    data = np.load('mnist.npz')
    train(Net(), data['x_train'].reshape(-1, 784) / 255.0, data['y_train'])
