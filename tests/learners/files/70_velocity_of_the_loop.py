import numpy as np

def initialize_parameters(layer_dims):
    parameters = {}
    for l in range(1, len(layer_dims)):
        parameters['W' + str(l)] = np.random.randn(layer_dims[l], layer_dims[l - 1]) * 0.1
        parameters['b' + str(l)] = np.zeros((layer_dims[l], 1))
    return parameters

def forward_propagation(X, parameters):
    A1 = np.tanh(parameters['W1'] @ X + parameters['b1'])
    A2 = 1 / (1 + np.exp(-(parameters['W2'] @ A1 + parameters['b2'])))
    return A2, (A1, A2)

def compute_cost(A2, Y):
    m = Y.shape[1]
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m

def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    A1, A2 = cache
    dZ2 = A2 - Y
    dW2 = dZ2 @ A1.T / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = parameters['W2'].T @ dZ2 * (1 - A1 ** 2)
    dW1 = dZ1 @ X.T / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {'dW1': dW1, 'db1': db1, 'dW2': dW2, 'db2': db2}

def update_parameters(parameters, grads, velocity, learning_rate=0.1, mu=0.9):
    for k, v in zip(parameters, velocity.values()):
        v = mu * v - learning_rate * grads['d' + k]
        parameters[k] += v
    return parameters
