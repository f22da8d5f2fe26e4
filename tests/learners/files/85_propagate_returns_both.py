import numpy as np

def initialize(n_x, n_h):
    w1 = np.random.randn(n_h, n_x) * 0.01
    b1 = np.zeros((n_h, 1))
    w2 = np.random.randn(1, n_h) * 0.01
    b2 = 0.0
    return w1, b1, w2, b2

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def propagate(w1, b1, w2, b2, X, Y):
    m = X.shape[1]
    # FORWARD PROPAGATION
    Z1 = np.dot(w1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(w2, A1) + b2
    A2 = sigmoid(Z2)
    cost = -(1/m) * np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    # BACKWARD PROPAGATION
    dZ2 = A2 - Y
    dw2 = (1/m) * np.dot(dZ2, A1.T)
    db2 = (1/m) * np.sum(dZ2)
    dZ1 = np.dot(w2.T, dZ2) * (1 - np.power(A1, 2))
    dw1 = (1/m) * np.dot(dZ1, X.T)
    db1 = (1/m) * np.sum(dZ1, axis=1, keepdims=True)
    grads = {"dw1": dw1, "db1": db1, "dw2": dw2, "db2": db2}
    return grads, cost

def optimize(w1, b1, w2, b2, X, Y, num_iterations, learning_rate, print_cost=False):
    costs = []
    for i in range(num_iterations):
        grads, cost = propagate(w1, b1, w2, b2, X, Y)
        w1 = w1 - learning_rate * grads["dw1"]
        b1 = b1 - learning_rate * grads["db1"]
        w2 = w2 - learning_rate * grads["dw2"]
        b2 = b2 - learning_rate * grads["db2"]
        if i % 100 == 0:
            costs.append(cost)
            if print_cost:
                print("Cost after iteration %i: %f" % (i, cost))
    params = {"w1": w1, "b1": b1, "w2": w2, "b2": b2}
    return params, grads, costs
