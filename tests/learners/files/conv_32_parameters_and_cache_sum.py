import numpy as np

def initialize_parameters(n_c=3, n_y=4, size=8):
    np.random.seed(0)
    return {"W1": np.random.randn(3, 3, 1, n_c) * 0.3, "b1": np.zeros((1, 1, 1, n_c)),
            "W2": np.random.randn(n_y, ((size - 2) // 2) ** 2 * n_c) * 0.1, "b2": np.zeros((n_y, 1))}

def conv_forward(A_prev, W, b):
    m, H, Wd, C = A_prev.shape
    f, _, _, n_C = W.shape
    Z = np.zeros((m, H - f + 1, Wd - f + 1, n_C))
    for i in range(m):
        for h in range(H - f + 1):
            for w in range(Wd - f + 1):
                for c in range(n_C):
                    Z[i, h, w, c] = np.sum(A_prev[i, h:h+f, w:w+f, :] * W[..., c]) + b[0, 0, 0, c]
    return Z

def conv_backward(dZ, A_prev, W):
    f = W.shape[0]
    dW = np.zeros(W.shape); db = np.zeros((1, 1, 1, W.shape[3]))
    for i in range(dZ.shape[0]):
        for h in range(dZ.shape[1]):
            for w in range(dZ.shape[2]):
                for c in range(dZ.shape[3]):
                    dW[..., c] += A_prev[i, h:h+f, w:w+f, :] * dZ[i, h, w, c]
                    db[..., c] += dZ[i, h, w, c]
    return dW, db

def pool_forward(A):
    m, H, W, C = A.shape
    P = np.zeros((m, H//2, W//2, C))
    for h in range(H//2):
        for w in range(W//2):
            P[:, h, w, :] = np.max(A[:, 2*h:2*h+2, 2*w:2*w+2, :], axis=(1, 2))
    return P

def pool_backward(dP, A):
    dA = np.zeros(A.shape)
    for i in range(A.shape[0]):
        for h in range(dP.shape[1]):
            for w in range(dP.shape[2]):
                for c in range(A.shape[3]):
                    s = A[i, 2*h:2*h+2, 2*w:2*w+2, c]
                    dA[i, 2*h:2*h+2, 2*w:2*w+2, c] += (s == s.max()) * dP[i, h, w, c]
    return dA

def forward_propagation(X, parameters):
    Z1 = conv_forward(X, parameters["W1"], parameters["b1"])
    A1 = np.maximum(Z1, 0)
    P1 = pool_forward(A1)
    F1 = P1.reshape(P1.shape[0], -1).T
    Z2 = parameters["W2"] @ F1 + parameters["b2"]
    E = np.exp(Z2 - Z2.max(axis=0))
    A2 = E / E.sum(axis=0)
    cache = {"Z1": Z1, "A1": A1, "P1": P1, "F1": F1, "A2": A2}
    return A2, cache

def compute_cost(A2, Y):
    m = Y.shape[1]
    return -np.sum(Y * np.log(A2)) / m

def backward_propagation(parameters, cache, X, Y):
    m = X.shape[0]
    dZ2 = cache["A2"] - Y
    dW2 = dZ2 @ cache["F1"].T / m
    db2 = dZ2.sum(axis=1, keepdims=True) / m
    dP1 = (parameters["W2"].T @ dZ2).T.reshape(cache["P1"].shape)
    dZ1 = pool_backward(dP1, cache["A1"]) * (cache["Z1"] > 0)
    dW1, db1 = conv_backward(dZ1, X, parameters["W1"])
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}

def update_parameters(parameters, grads, learning_rate=0.1):
    for k in parameters:
        parameters[k] -= learning_rate * grads["d" + k]
    return parameters
