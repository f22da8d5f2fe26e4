import numpy as np
import h5py

# "cat vs non-cat" from week 2, cost is going UP every iteration, what is wrong?

def load_dataset():
    train = h5py.File('datasets/train_catvnoncat.h5', "r")
    X = np.array(train["train_set_x"][:])
    Y = np.array(train["train_set_y"][:]).reshape(1, -1)
    return X.reshape(X.shape[0], -1).T / 255., Y

def sigmoid(z):
    s = 1 / (1 + np.exp(-z))
    return s

def initialize_with_zeros(dim):
    w = np.zeros((dim, 1))
    b = 0.0
    return w, b

def propagate(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dw = 1 / m * np.dot(X, (A - Y).T)
    db = 1 / m * np.sum(A - Y)
    grads = {"dw": dw, "db": db}
    return grads, cost

def optimize(w, b, X, Y, num_iterations, learning_rate):
    costs = []
    for i in range(num_iterations):
        grads, cost = propagate(w, b, X, Y)
        w = w + learning_rate * grads["dw"]
        b = b + learning_rate * grads["db"]
        if i % 100 == 0:
            costs.append(cost)
            print("Cost after iteration %i: %f" % (i, cost))
    params = {"w": w, "b": b}
    return params, grads, costs

def predict(w, b, X):
    A = sigmoid(np.dot(w.T, X) + b)
    return (A > 0.5).astype(int)

if __name__ == "__main__":
    X, Y = load_dataset()
    w, b = initialize_with_zeros(X.shape[0])
    params, grads, costs = optimize(w, b, X, Y, 2000, 0.005)
    print("train accuracy: {} %".format(100 - np.mean(np.abs(predict(params["w"], params["b"], X) - Y)) * 100))
