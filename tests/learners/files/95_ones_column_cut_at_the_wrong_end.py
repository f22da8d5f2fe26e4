import numpy as np

np.random.seed(0)

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def sigmoid_derivative(a):
    return a * (1 - a)

def add_bias(X):
    return np.hstack([np.ones((X.shape[0], 1)), X])

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0], [1], [1], [0]])

W1 = np.random.uniform(-1, 1, (3, 4))
W2 = np.random.uniform(-1, 1, (5, 1))
lr = 0.5

for epoch in range(10000):
    a0 = add_bias(X)
    hidden = sigmoid(a0 @ W1)
    a1 = add_bias(hidden)
    output = sigmoid(a1 @ W2)

    error = y - output
    if epoch % 1000 == 0:
        print(f"Error: {np.mean(np.abs(error))}")

    d_output = error * sigmoid_derivative(output)
    d_hidden = (d_output @ W2[:-1].T) * sigmoid_derivative(hidden)

    W2 += lr * a1.T @ d_output
    W1 += lr * a0.T @ d_hidden

print(output)
