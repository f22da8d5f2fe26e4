import numpy as np
from tensorflow.keras.datasets import mnist

# network: 784 -> 10 -> 10 -> 10
layers = [784, 10, 10, 10]
lr = 0.5
epochs = 50
batch_size = 100

W = []
b = []
for i in range(len(layers) - 1):
    W.append(np.random.randn(layers[i], layers[i+1]) * np.sqrt(1/layers[i]))
    b.append(np.zeros(layers[i+1]))

def sigmoid(x):
    return 1/(1 + np.exp(-x))

def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def forward(x):
    a = [x]
    for i in range(len(W)):
        z = a[-1] @ W[i] + b[i]
        if i == len(W) - 1:
            a.append(softmax(z))
        else:
            a.append(sigmoid(z))
    return a

def cross_entropy(y, p):
    return -np.mean(np.sum(y * np.log(p + 1e-12), axis=1))

def backward(a, y):
    n = y.shape[0]
    dW = [None] * len(W)
    db = [None] * len(W)
    delta = (a[-1] - y) / n
    dW[-1] = a[-2].T @ delta
    db[-1] = delta.sum(axis=0)
    for i in range(len(W) - 2, -1, -1):
        # error of this layer
        d = (delta @ W[i+1].T) * a[i+1] * (1 - a[i+1])
        dW[i] = a[i].T @ d
        db[i] = d.sum(axis=0)
    return dW, db

(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train = x_train.reshape(-1, 784) / 255.0
y_train = np.eye(10)[y_train]

for epoch in range(epochs):
    perm = np.random.permutation(len(x_train))
    for s in range(0, len(perm), batch_size):
        xb = x_train[perm[s:s+batch_size]]
        yb = y_train[perm[s:s+batch_size]]
        a = forward(xb)
        dW, db = backward(a, yb)
        for i in range(len(W)):
            W[i] -= lr * dW[i]
            b[i] -= lr * db[i]
    print('epoch', epoch, 'loss', cross_entropy(y_train, forward(x_train)[-1]))
