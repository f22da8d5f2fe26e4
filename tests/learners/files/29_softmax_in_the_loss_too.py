import numpy as np
import gzip

def load_images(fn):
    with gzip.open(fn, 'rb') as f:
        return np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 784) / 255.

def load_labels(fn):
    with gzip.open(fn, 'rb') as f:
        return np.frombuffer(f.read(), np.uint8, offset=8)

def softmax(x):
    x = x - np.max(x, axis=-1, keepdims=True)
    return np.exp(x) / np.sum(np.exp(x), axis=-1, keepdims=True)

def relu(x):
    return np.maximum(0., x)

def softmax_cross_entropy(out, t):
    p = softmax(out)
    return -np.sum(t * np.log(p + 1e-7)) / out.shape[0]

class Net:
    def __init__(self, n_in=784, n_hid=50, n_out=10):
        self.W1 = 0.1 * np.random.randn(n_in, n_hid)
        self.b1 = np.zeros(n_hid)
        self.W2 = 0.1 * np.random.randn(n_hid, n_out)
        self.b2 = np.zeros(n_out)

    def forward(self, x):
        self.h = relu(np.dot(x, self.W1) + self.b1)
        return softmax(np.dot(self.h, self.W2) + self.b2)

    def loss(self, x, t):
        y = self.forward(x)
        return softmax_cross_entropy(y, t)

    def gradient(self, x, t):
        y = self.forward(x)
        batch_num = x.shape[0]
        dy = (y - t) / batch_num
        grads = {}
        grads['W2'] = np.dot(self.h.T, dy)
        grads['b2'] = np.sum(dy, axis=0)
        dh = np.dot(dy, self.W2.T) * (self.h > 0)
        grads['W1'] = np.dot(x.T, dh)
        grads['b1'] = np.sum(dh, axis=0)
        return grads

x_train = load_images('train-images-idx3-ubyte.gz')
t_train = np.eye(10)[load_labels('train-labels-idx1-ubyte.gz')]

net = Net()
for i in range(10000):
    mask = np.random.choice(len(x_train), 100)
    x_batch, t_batch = x_train[mask], t_train[mask]
    grad = net.gradient(x_batch, t_batch)
    for key in ('W1', 'b1', 'W2', 'b2'):
        setattr(net, key, getattr(net, key) - 0.1 * grad[key])
    if i % 600 == 0:
        # loss never gets below 1.46 ???
        print(i, net.loss(x_batch, t_batch))
