import numpy as np
from sklearn.datasets import load_breast_cancer

# bias trick: one more column of ones, so that the bias is the first row of the weights

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def sigmoid_deriv(z):
    return sigmoid(z) * (1 - z)

def add_ones(A):
    return np.hstack([np.ones((A.shape[0], 1)), A])

def init(n_in, n_hid):
    W1 = np.random.uniform(-0.5, 0.5, (n_in + 1, n_hid))
    W2 = np.random.uniform(-0.5, 0.5, (n_hid + 1, 1))
    return W1, W2

def forward(X, W1, W2):
    A0 = add_ones(X)
    Z1 = A0.dot(W1)
    A1 = add_ones(sigmoid(Z1))
    Z2 = A1.dot(W2)
    A2 = sigmoid(Z2)
    return A0, Z1, A1, Z2, A2

def cost(A2, y):
    return -np.mean(y * np.log(A2) + (1 - y) * np.log(1 - A2))

def gradients(X, y, W1, W2):
    m = X.shape[0]
    A0, Z1, A1, Z2, A2 = forward(X, W1, W2)
    d2 = (A2 - y) / m
    d1 = d2.dot(W2[1:].T) * sigmoid_deriv(Z1)   # W2[1:] because nothing flows to the ones
    return A0.T.dot(d1), A1.T.dot(d2)

def train(X, y, n_hid=15, lr=0.5, n_iter=3000):
    W1, W2 = init(X.shape[1], n_hid)
    for i in range(n_iter):
        g1, g2 = gradients(X, y, W1, W2)
        W1 = W1 - lr * g1
        W2 = W2 - lr * g2
        if i % 500 == 0:
            print(i, cost(forward(X, W1, W2)[-1], y))
    return W1, W2

if __name__ == "__main__":
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    W1, W2 = train(X, y.reshape(-1, 1))
    print("accuracy", np.mean((forward(X, W1, W2)[-1] > 0.5).ravel() == y))
