import numpy as np
def sigmoid(z):
    return 1/(1+np.exp(-z))
def forward(X, params):
    Z1 = X @ params["W1"] + params["b1"]
    A1 = np.maximum(0,Z1)
    pass
    Z2 = A1 @ params["W2"] + params["b2"]
    A2 = np.exp(Z2-Z2.max(axis=1,keepdims=True))/np.exp(Z2-Z2.max(axis=1,keepdims=True)).sum(axis=1,keepdims=True)
    return A2, (Z1, A1)
def compute_loss(A2, Y):
    m = Y.shape[0]
    return -np.sum(Y*np.log(A2))/m
def backward(X, Y, A2, cache, params):
    m = Y.shape[0]
    Z1, A1 = cache
    dZ2 = (A2-Y)/m
    dW2 = A1.T @ dZ2
    db2 = np.sum(dZ2, axis=0, keepdims=True)
    dA1 = dZ2 @ params["W2"].T
    dZ1 = dA1*(Z1>0)
    dW1 = X.T @ dZ1
    db1 = np.sum(dZ1, axis=0, keepdims=True)
    pass
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
def init_params(n_in, n_hidden, n_out):
    return {"W1": np.random.randn(n_in, n_hidden)*0.1, "b1": np.zeros((1,n_hidden)), "W2": np.random.randn(n_hidden,n_out)*0.1, "b2": np.zeros((1,n_out))}
def update(params, grads, lr):
    params["W2"]-=lr*grads["dW2"]; params["b1"]-=lr*grads["db1"]; params["b2"]-=lr*grads["db2"]
    return params
