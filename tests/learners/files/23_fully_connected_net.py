import numpy as np
import pickle

def affine_forward(x, w, b):
    out = x.reshape(x.shape[0], -1).dot(w) + b
    cache = (x, w, b)
    return out, cache

def affine_backward(dout, cache):
    x, w, b = cache
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db

def relu_forward(x):
    out = np.maximum(0, x)
    cache = x
    return out, cache

def relu_backward(dout, cache):
    x = cache
    dx = dout * (x > 0)
    return dx

def softmax_loss(x, y):
    shifted_logits = x - np.max(x, axis=1, keepdims=True)
    Z = np.sum(np.exp(shifted_logits), axis=1, keepdims=True)
    log_probs = shifted_logits - np.log(Z)
    probs = np.exp(log_probs)
    N = x.shape[0]
    loss = -np.sum(log_probs[np.arange(N), y]) / N
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    dx /= N
    return loss, dx

class FullyConnectedNet(object):
    def __init__(self, hidden_dims, input_dim=3*32*32, num_classes=10, reg=0.0, weight_scale=1e-2, dtype=np.float64):
        self.reg = reg
        self.num_layers = 1 + len(hidden_dims)
        self.dtype = dtype
        self.params = {}
        dims = [input_dim] + list(hidden_dims) + [num_classes]
        for i in range(self.num_layers):
            self.params['W%d' % (i+1)] = weight_scale * np.random.randn(dims[i], dims[i+1])
            self.params['b%d' % (i+1)] = np.zeros(dims[i+1])

    def loss(self, X, y=None):
        X = X.astype(self.dtype)
        caches = {}
        out = X
        for i in range(1, self.num_layers):
            out, caches['a%d' % i] = affine_forward(out, self.params['W%d' % i], self.params['b%d' % i])
            out, caches['r%d' % i] = relu_forward(out)
        L = self.num_layers
        scores, caches['a%d' % L] = affine_forward(out, self.params['W%d' % L], self.params['b%d' % L])
        if y is None:
            return scores

        grads = {}
        loss, dout = softmax_loss(scores, y)
        for i in range(1, L + 1):
            loss += 0.5 * self.reg * np.sum(self.params['W%d' % i] ** 2)
        dout, grads['W%d' % L], grads['b%d' % L] = affine_backward(dout, caches['a%d' % L])
        grads['W%d' % L] += self.reg * self.params['W%d' % L]
        for i in range(L - 1, 0, -1):
            dout = relu_backward(dout, caches['r%d' % i])
            dout, grads['W%d' % i], grads['b%d' % i] = affine_backward(dout, caches['a%d' % i])
            grads['W%d' % i] += self.reg * self.params['W%d' % i]
        return loss, grads

with open('cifar-10-batches-py/data_batch_1', 'rb') as f:
    batch = pickle.load(f, encoding='latin1')
X = batch['data'].reshape(10000, 3, 32, 32).astype('float') - 128
y = np.array(batch['labels'])
model = FullyConnectedNet([100, 50], weight_scale=2e-2, reg=1e-3)
for t in range(2000):
    i = np.random.choice(len(X), 100)
    loss, grads = model.loss(X[i], y[i])
    for p in model.params:
        model.params[p] -= 1e-3 * grads[p]
    if t % 100 == 0:
        print('(Iteration %d / 2000) loss: %f' % (t, loss))
