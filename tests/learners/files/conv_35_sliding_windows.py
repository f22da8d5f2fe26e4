import numpy as np

class Conv2D:
    def __init__(self, in_channels, out_channels, kernel_size=3):
        self.k = kernel_size
        self.weights = np.random.randn(out_channels, in_channels, kernel_size, kernel_size) * np.sqrt(2 / (in_channels * kernel_size ** 2))
        self.bias = np.zeros(out_channels)
    def forward(self, x):
        self.x = x
        n, c, h, w = x.shape
        k = self.k
        cols = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(2, 3))
        self.cols = cols
        return np.einsum('nchwij,fcij->nfhw', cols, self.weights) + self.bias[None, :, None, None]
    def backward(self, dout):
        k = self.k
        self.dweights = np.einsum('nfhw,nchwij->fcij', dout, self.cols)
        self.dbias = dout.sum(axis=(0, 2, 3))
        pad = np.pad(dout, ((0, 0), (0, 0), (k - 1, k - 1), (k - 1, k - 1)))
        cols = np.lib.stride_tricks.sliding_window_view(pad, (k, k), axis=(2, 3))
        return np.einsum('nfhwij,fcij->nchw', cols, self.weights[:, :, ::-1, ::-1])
class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask
    def backward(self, dout):
        return dout * self.mask
class Flatten:
    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), -1)
    def backward(self, dout):
        return dout.reshape(self.shape)
class Dense:
    def __init__(self, n_in, n_out):
        self.weights = np.random.randn(n_in, n_out) * 0.1
        self.bias = np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.weights + self.bias
    def backward(self, dout):
        self.dweights = self.x.T @ dout
        self.dbias = dout.sum(axis=0)
        return dout @ self.weights.T
class SoftmaxCrossEntropy:
    def forward(self, logits, y):
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        self.y = y
        return -np.log(self.p[np.arange(len(y)), y]).mean()
    def backward(self):
        d = self.p.copy()
        d[np.arange(len(self.y)), self.y] -= 1
        return d / len(self.y)
class Model:
    def __init__(self, layers):
        self.layers = layers
        self.loss_fn = SoftmaxCrossEntropy()
    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x
    def loss(self, x, y):
        return self.loss_fn.forward(self.forward(x), y)
    def backward(self):
        d = self.loss_fn.backward()
        for layer in reversed(self.layers):
            d = layer.backward(d)
    def step(self, lr):
        for layer in self.layers:
            if hasattr(layer, 'weights'):
                layer.weights -= lr * layer.dweights
                layer.bias -= lr * layer.dbias
model = Model([Conv2D(1, 4), ReLU(), Conv2D(4, 4), ReLU(), Flatten(), Dense(4 * 24 * 24, 10)])
for epoch in range(10):
    for xb, yb in batches():
        loss = model.loss(xb, yb)
        model.backward()
        model.step(0.1)
