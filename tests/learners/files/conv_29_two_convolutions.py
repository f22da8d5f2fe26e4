import numpy as np

class ConvLayer:
    def __init__(self, num_filters, kernel_size, in_channels):
        self.num_filters = num_filters
        self.kernel_size = kernel_size
        self.filters = np.random.randn(num_filters, in_channels, kernel_size, kernel_size) * 0.1
        self.bias = np.zeros((num_filters, 1))

    def forward(self, X):
        self.X = X
        C, H, W = X.shape
        k = self.kernel_size
        out = np.zeros((self.num_filters, H - k + 1, W - k + 1))
        for f in range(self.num_filters):
            for i in range(H - k + 1):
                for j in range(W - k + 1):
                    out[f, i, j] = np.sum(X[:, i:i+k, j:j+k] * self.filters[f]) + self.bias[f, 0]
        return out

    def backward(self, d_out, lr):
        k = self.kernel_size
        d_filters = np.zeros_like(self.filters)
        d_bias = np.zeros_like(self.bias)
        d_X = np.zeros_like(self.X)
        for f in range(self.num_filters):
            for i in range(d_out.shape[1]):
                for j in range(d_out.shape[2]):
                    d_filters[f] += d_out[f, i, j] * self.X[:, i:i+k, j:j+k]
                    d_X[:, i:i+k, j:j+k] += d_out[f, i, j] * self.filters[f]
            d_bias[f] = np.sum(d_out[f])
        self.filters -= lr * d_filters
        self.bias -= lr * d_bias
        return d_X

class ReLU:
    def forward(self, X):
        self.X = X
        return np.maximum(0, X)
    def backward(self, d_out, lr=None):
        return d_out * (self.X > 0)

class MaxPool:
    def __init__(self, size=2):
        self.size = size
    def forward(self, X):
        self.X = X
        C, H, W = X.shape
        s = self.size
        out = np.zeros((C, H // s, W // s))
        for c in range(C):
            for i in range(H // s):
                for j in range(W // s):
                    out[c, i, j] = np.max(X[c, i*s:(i+1)*s, j*s:(j+1)*s])
        return out
    def backward(self, d_out, lr=None):
        d_X = np.zeros_like(self.X)
        s = self.size
        for c in range(d_out.shape[0]):
            for i in range(d_out.shape[1]):
                for j in range(d_out.shape[2]):
                    region = self.X[c, i*s:(i+1)*s, j*s:(j+1)*s]
                    mask = region == np.max(region)
                    d_X[c, i*s:(i+1)*s, j*s:(j+1)*s] += mask * d_out[c, i, j]
        return d_X

class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_out, n_in) * 0.1
        self.b = np.zeros((n_out, 1))
    def forward(self, X):
        self.X = X
        return self.W @ X + self.b
    def backward(self, d_out, lr):
        d_W = d_out @ self.X.T
        d_X = self.W.T @ d_out
        self.W -= lr * d_W
        self.b -= lr * d_out
        return d_X

def softmax(z):
    e = np.exp(z - np.max(z))
    return e / e.sum()

class CNN:
    def __init__(self):
        self.conv1 = ConvLayer(4, 3, 1)
        self.relu1 = ReLU()
        self.pool1 = MaxPool(2)
        self.conv2 = ConvLayer(6, 3, 4)
        self.relu2 = ReLU()
        self.pool2 = MaxPool(2)
        self.fc = Dense(6 * 5 * 5, 10)

    def forward(self, x):
        out = self.pool1.forward(self.relu1.forward(self.conv1.forward(x)))
        out = self.pool2.forward(self.relu2.forward(self.conv2.forward(out)))
        self.shape = out.shape
        out = self.fc.forward(out.reshape(-1, 1))
        self.probs = softmax(out)
        return self.probs

    def compute_loss(self, probs, y):
        return -np.log(probs[y, 0] + 1e-9)

    def backward(self, y, lr):
        d = self.probs.copy()
        d[y] -= 1
        d = self.fc.backward(d, lr)
        d = d.reshape(self.shape)
        d = self.conv2.backward(self.relu2.backward(self.pool2.backward(d)), lr)
        self.conv1.backward(self.relu1.backward(self.pool1.backward(d)), lr)

    def train(self, X, Y, epochs=1, lr=0.01):
        for epoch in range(epochs):
            for x, y in zip(X, Y):
                probs = self.forward(x)
                loss = self.compute_loss(probs, y)
                self.backward(y, lr)
