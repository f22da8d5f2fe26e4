import numpy as np


def affine_forward(x, w, b):
    return x.dot(w) + b, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    return dout.dot(w.T), x.T.dot(dout), dout.sum(axis=0)


def batchnorm_forward(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=0)
    var = x.var(axis=0)
    ivar = 1.0 / np.sqrt(var + eps)
    xhat = (x - mu) * ivar
    return gamma * xhat + beta, (xhat, gamma, ivar)


def batchnorm_backward(dout, cache):
    xhat, gamma, ivar = cache
    N = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    dxhat = dout * gamma
    dx = ivar / N * (N * dxhat - dxhat.sum(axis=0) - xhat * (dxhat * xhat).sum(axis=0))
    return dx, dgamma, dbeta


def softmax_loss(scores, y):
    N = scores.shape[0]
    shifted = scores - scores.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -logp[np.arange(N), y].sum() / N
    dscores = np.exp(logp)
    dscores[np.arange(N), y] -= 1
    return loss, dscores / N


class BatchNormNet:
    """affine - batchnorm - relu - affine - softmax"""

    def __init__(self, D=3072, H=100, C=10, weight_scale=1e-2, seed=0):
        rng = np.random.RandomState(seed)
        self.params = {
            'W1': weight_scale * rng.randn(D, H),
            'b1': np.zeros(H),
            'gamma': np.ones(H),
            'beta': np.zeros(H),
            'W2': weight_scale * rng.randn(H, C),
            'b2': np.zeros(C),
        }

    def loss(self, X, y):
        p = self.params
        z, c_affine1 = affine_forward(X, p['W1'], p['b1'])
        n, c_bn = batchnorm_forward(z, p['gamma'], p['beta'])
        h = np.maximum(n, 0)
        scores, c_affine2 = affine_forward(h, p['W2'], p['b2'])
        loss, dscores = softmax_loss(scores, y)

        grads = {}
        dh, grads['W2'], grads['b2'] = affine_backward(dscores, c_affine2)
        dn = dh * (n > 0)
        dz, grads['gamma'], grads['beta'] = batchnorm_backward(dn, c_bn)
        _, grads['W1'], grads['b1'] = affine_backward(dz, c_affine1)
        return loss, grads


def train(net, X, y, lr=0.1, batch=100, iters=1000):
    for it in range(iters):
        mask = np.random.choice(len(X), batch)
        loss, grads = net.loss(X[mask], y[mask])
        for k in net.params:
            net.params[k] -= lr * grads[k]
        if it % 100 == 0:
            # grads['b1'] is 1e-17 all the time. Is that a bug?
            print(it, loss, np.abs(grads['b1']).max())


if __name__ == '__main__':
    import pickle
    with open('cifar-10-batches-py/data_batch_1', 'rb') as f:
        d = pickle.load(f, encoding='latin1')
    X = d['data'].astype(float)
    X -= X.mean(axis=0)
    train(BatchNormNet(), X / 128, np.array(d['labels']))
