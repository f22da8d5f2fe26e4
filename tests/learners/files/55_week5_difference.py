import numpy as np
from numpy import dot, zeros, sqrt

# deeplearning course week 5, L2 regularization. With lambd = 0 the gradient check passes,
# with lambd = 0.7 it says "There is a mistake in the backward propagation! difference = 0.6"

def init_layers(dims):
    np.random.seed(3)
    W = [np.random.randn(dims[i + 1], dims[i]) / sqrt(dims[i]) for i in range(len(dims) - 1)]
    B = [zeros((dims[i + 1], 1)) for i in range(len(dims) - 1)]
    return W, B

def sig(x):
    return 1 / (1 + np.exp(-x))

def model_forward(X, W, B):
    As = [X]
    for i in range(len(W)):
        Z = dot(W[i], As[-1]) + B[i]
        if i == len(W) - 1:
            As.append(sig(Z))
        else:
            As.append(np.maximum(0, Z))
    return As

def cost_with_regularization(AL, Y, W, lambd):
    m = Y.shape[1]
    cross_entropy = -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / m
    l2 = lambd / (2 * m) * sum(np.sum(np.square(w)) for w in W)
    return cross_entropy + l2

def model_backward(As, Y, W, lambd):
    m = Y.shape[1]
    dW = [None] * len(W)
    dB = [None] * len(W)
    dZ = As[-1] - Y
    for i in range(len(W) - 1, -1, -1):
        dW[i] = 1. / m * dot(dZ, As[i].T) + lambd * W[i]
        dB[i] = 1. / m * np.sum(dZ, axis=1, keepdims=True)
        if i > 0:
            dZ = dot(W[i].T, dZ) * (As[i] > 0)
    return dW, dB

def fit(X, Y, dims, lambd=0.7, learning_rate=0.3, num_iterations=30000):
    W, B = init_layers(dims)
    for k in range(num_iterations):
        As = model_forward(X, W, B)
        dW, dB = model_backward(As, Y, W, lambd)
        for i in range(len(W)):
            W[i] = W[i] - learning_rate * dW[i]
            B[i] = B[i] - learning_rate * dB[i]
        if k % 1000 == 0:
            print("Cost after iteration {}: {}".format(k, cost_with_regularization(As[-1], Y, W, lambd)))
    return W, B

if __name__ == "__main__":
    from sklearn.datasets import make_circles
    X, y = make_circles(300, noise=.1, factor=.4)
    W, B = fit(X.T, y.reshape(1, -1), [2, 20, 3, 1])
    print(np.mean((model_forward(X.T, W, B)[-1] > 0.5) == y))
