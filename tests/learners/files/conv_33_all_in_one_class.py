import numpy as np
class SimpleCNN:
    def __init__(self, num_filters=4, filter_size=3, num_classes=10):
        self.filters = np.random.randn(num_filters, filter_size, filter_size) * 0.1
        self.num_filters = num_filters
        self.filter_size = filter_size
        self.W = np.random.randn(num_filters * 13 * 13, num_classes) * 0.1
        self.b = np.zeros(num_classes)
    def conv(self, img):
        f = self.filter_size
        h, w = img.shape
        out = np.zeros((self.num_filters, h - f + 1, w - f + 1))
        for k in range(self.num_filters):
            for i in range(h - f + 1):
                for j in range(w - f + 1):
                    out[k, i, j] = np.sum(img[i:i+f, j:j+f] * self.filters[k])
        return out
    def pool(self, x):
        c, h, w = x.shape
        self.pool_in = x
        return x[:, :h//2*2, :w//2*2].reshape(c, h//2, 2, w//2, 2).max(axis=(2, 4))
    def forward(self, img):
        self.img = img
        self.z = self.conv(img)
        self.a = np.maximum(self.z, 0)
        self.p = self.pool(self.a)
        self.flat = self.p.flatten()
        s = self.flat @ self.W + self.b
        e = np.exp(s - s.max())
        self.probs = e / e.sum()
        return self.probs
    def loss(self, probs, label):
        return -np.log(probs[label])
    def backward(self, label, lr=0.01):
        ds = self.probs.copy()
        ds[label] -= 1
        dW = np.outer(self.flat, ds)
        dp = (self.W @ ds).reshape(self.p.shape)
        da = np.zeros_like(self.a)
        for c in range(dp.shape[0]):
            for i in range(dp.shape[1]):
                for j in range(dp.shape[2]):
                    win = self.a[c, 2*i:2*i+2, 2*j:2*j+2]
                    m, n = np.unravel_index(win.argmax(), (2, 2))
                    da[c, 2*i+m, 2*j+n] = dp[c, i, j]
        dz = da * (self.z > 0)
        f = self.filter_size
        dfilters = np.zeros_like(self.filters)
        for k in range(self.num_filters):
            for i in range(dz.shape[1]):
                for j in range(dz.shape[2]):
                    dfilters[k] += dz[k, i, j] * self.img[i:i+f, j:j+f]
        self.W -= lr * dW
        self.b -= lr * ds
        self.filters -= lr * dfilters
