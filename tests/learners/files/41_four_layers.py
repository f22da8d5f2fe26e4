import numpy as np
from tensorflow.keras.datasets import mnist

# 784 - 64 - 64 - 64 - 10, relu relu relu softmax. Gets stuck around 80 %, keras with the same sizes gets 97

(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train = x_train.reshape(60000, 784) / 255.0
x_test = x_test.reshape(10000, 784) / 255.0
t_train = np.eye(10)[y_train]

H = 64
W1 = np.random.randn(784, H) * np.sqrt(2 / 784)
W2 = np.random.randn(H, H) * np.sqrt(2 / H)
W3 = np.random.randn(H, H) * np.sqrt(2 / H)
W4 = np.random.randn(H, 10) * np.sqrt(2 / H)
b1 = np.zeros(H)
b2 = np.zeros(H)
b3 = np.zeros(H)
b4 = np.zeros(10)


def relu(x):
    return x * (x > 0)


def softmax(x):
    x = x - np.max(x, axis=1, keepdims=True)
    return np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)


def forward(x):
    global z1, a1, z2, a2, z3, a3, z4, y
    z1 = x @ W1 + b1
    a1 = relu(z1)
    z2 = a1 @ W2 + b2
    a2 = relu(z2)
    z3 = a2 @ W3 + b3
    a3 = relu(z3)
    z4 = a3 @ W4 + b4
    y = softmax(z4)
    return y


def backward(x, t, lr):
    global W1, W2, W3, W4, b1, b2, b3, b4
    n = x.shape[0]
    delta4 = (y - t) / n
    delta3 = (delta4 @ W4.T) * (z3 > 0)
    delta2 = (delta3 @ W3.T) * (z2 > 0)
    delta1 = (delta2 @ W3.T) * (z1 > 0)

    W4 = W4 - lr * a3.T @ delta4
    W3 = W3 - lr * a2.T @ delta3
    W2 = W2 - lr * a1.T @ delta2
    W1 = W1 - lr * x.T @ delta1
    b4 = b4 - lr * delta4.sum(axis=0)
    b3 = b3 - lr * delta3.sum(axis=0)
    b2 = b2 - lr * delta2.sum(axis=0)
    b1 = b1 - lr * delta1.sum(axis=0)


for epoch in range(10):
    perm = np.random.permutation(60000)
    for i in range(0, 60000, 100):
        xb, tb = x_train[perm[i:i + 100]], t_train[perm[i:i + 100]]
        forward(xb)
        backward(xb, tb, 0.1)
    p = forward(x_test)
    print(epoch, np.mean(p.argmax(1) == y_test))
