import numpy as np

# fully connected net + Adam, everything in dictionaries. Please review my bias correction!

def initialize(layer_dims, seed=3):
    rng = np.random.RandomState(seed)
    params = {}
    for l in range(1, len(layer_dims)):
        params['W%d' % l] = rng.randn(layer_dims[l - 1], layer_dims[l]) * np.sqrt(2. / layer_dims[l - 1])
        params['b%d' % l] = np.zeros(layer_dims[l])
    return params

def initialize_adam(params):
    m = {k: np.zeros_like(p) for k, p in params.items()}
    v = {k: np.zeros_like(p) for k, p in params.items()}
    return m, v

def forward(X, params):
    L = len(params) // 2
    caches = {'A0': X}
    A = X
    for l in range(1, L + 1):
        Z = A.dot(params['W%d' % l]) + params['b%d' % l]
        caches['Z%d' % l] = Z
        if l < L:
            A = np.maximum(0, Z)
            caches['A%d' % l] = A
    return Z, caches

def log_softmax(Z):
    Z = Z - Z.max(axis=1, keepdims=True)
    return Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))

def nll(logits, labels):
    return -log_softmax(logits)[np.arange(len(labels)), labels].mean()

def backward(logits, labels, caches, params):
    L = len(params) // 2
    N = len(labels)
    grads = {}
    dZ = np.exp(log_softmax(logits))
    dZ[np.arange(N), labels] -= 1.
    dZ /= N
    for l in range(L, 0, -1):
        grads['W%d' % l] = caches['A%d' % (l - 1)].T.dot(dZ)
        grads['b%d' % l] = dZ.sum(0)
        if l > 1:
            dZ = dZ.dot(params['W%d' % l].T)
            dZ[caches['Z%d' % (l - 1)] <= 0] = 0
    return grads

def adam_step(params, grads, m, v, t, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    for k in params:
        m[k] = beta1 * m[k] + (1 - beta1) * grads[k]
        v[k] = beta2 * v[k] + (1 - beta2) * grads[k] ** 2
        m_hat = m[k] / (1 - beta1 ** t)
        v_hat = v[k] / (1 - beta2 ** t)
        params[k] -= lr * m_hat / (np.sqrt(v_hat) + eps)

def train(X, labels, layer_dims, epochs=20, batch=64):
    params = initialize(layer_dims)
    m, v = initialize_adam(params)
    t = 0
    rng = np.random.RandomState(0)
    for epoch in range(epochs):
        idx = rng.permutation(len(X))
        for i in range(0, len(X), batch):
            j = idx[i:i + batch]
            logits, caches = forward(X[j], params)
            grads = backward(logits, labels[j], caches, params)
            t += 1
            adam_step(params, grads, m, v, t)
        print(epoch, nll(forward(X, params)[0], labels))
    return params

if __name__ == '__main__':
    with np.load('fashion_mnist.npz') as f:
        x_train, y_train = f['x_train'], f['y_train']
    x_train = x_train.reshape(len(x_train), -1).astype(np.float64) / 255
    train(x_train, y_train.astype(int), [784, 128, 64, 10])
