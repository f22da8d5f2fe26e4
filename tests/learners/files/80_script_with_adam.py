import numpy as np
np.random.seed(0)
X = np.random.rand(50, 6)
Y = np.eye(3)[np.random.randint(0, 3, 50)]
W1 = np.random.randn(6, 5)
b1 = np.zeros(5)
W2 = np.random.randn(5, 3)
b2 = np.zeros(3)
lr = 0.01
beta1, beta2, eps = 0.9, 0.999, 1e-8
params = [W1, b1, W2, b2]
m = [np.zeros_like(p) for p in params]
v = [np.zeros_like(p) for p in params]

for epoch in range(200):
    h = np.tanh(X @ W1 + b1)
    out = h @ W2 + b2
    loss = 0.5 * np.mean(np.sum((out - Y) ** 2, axis=1))
    d = (out - Y) / len(X)
    dW2 = h.T @ d
    db2 = d.sum(axis=0)
    dh = d @ W2.T * (1 - h ** 2)
    dW1 = X.T @ dh
    db1 = dh.sum(axis=0)
    for i, (p, g) in enumerate(zip([W1, b1, W2, b2], [dW1, db1, dW2, db2])):
        m[i] = beta1 * m[i] + (1 - beta1) * g
        v[i] = beta2 * v[i] + (1 - beta2) * g ** 2
        p -= lr * (m[i] / (1 - beta1 ** (epoch + 1))) / (np.sqrt(v[i] / (1 - beta2 ** (epoch + 1))) + eps)

