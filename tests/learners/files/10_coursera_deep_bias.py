import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler

def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))

def relu(Z):
    return np.maximum(0, Z)

def sigmoid_backward(dA, Z):
    sig = sigmoid(Z)
    return dA * sig * (1 - sig)

def relu_backward(dA, Z):
    dZ = np.array(dA, copy = True)
    dZ[Z <= 0] = 0
    return dZ

def init_layers(layer_dims, seed = 99):
    np.random.seed(seed)
    params_values = {}
    for l in range(1, len(layer_dims)):
        params_values['W' + str(l)] = np.random.randn(layer_dims[l], layer_dims[l - 1]) * np.sqrt(2 / layer_dims[l - 1])
        params_values['b' + str(l)] = np.random.randn(layer_dims[l], 1) * 0.1
    return params_values

def L_model_forward(X, parameters):
    caches = []
    A = X
    L = len(parameters) // 2
    for l in range(1, L + 1):
        A_prev = A
        W, b = parameters['W' + str(l)], parameters['b' + str(l)]
        Z = np.dot(W, A_prev) + b
        A = sigmoid(Z) if l == L else relu(Z)
        caches.append((A_prev, W, b, Z))
    return A, caches

def compute_cost(AL, Y):
    m = Y.shape[1]
    cost = -1 / m * (np.dot(Y, np.log(AL).T) + np.dot(1 - Y, np.log(1 - AL).T))
    return np.squeeze(cost)

def linear_backward(dZ, cache):
    A_prev, W, b, _ = cache
    m = A_prev.shape[1]
    dW = np.dot(dZ, A_prev.T) / m
    db = np.sum(dZ, axis=1, keepdims=True)
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW, db

def L_model_backward(AL, Y, caches):
    grads = {}
    L = len(caches)
    grads['dA' + str(L)] = - (np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
    for l in reversed(range(1, L + 1)):
        backward = sigmoid_backward if l == L else relu_backward
        dZ = backward(grads['dA' + str(l)], caches[l - 1][3])
        grads['dA' + str(l - 1)], grads['dW' + str(l)], grads['db' + str(l)] = linear_backward(dZ, caches[l - 1])
    return grads

def update_parameters(parameters, grads, learning_rate):
    L = len(parameters) // 2
    for l in range(1, L + 1):
        parameters['W' + str(l)] -= learning_rate * grads['dW' + str(l)]
        parameters['b' + str(l)] -= learning_rate * grads['db' + str(l)]
    return parameters

df = pd.read_csv('diabetes.csv')
X = StandardScaler().fit_transform(df.drop('Outcome', axis=1)).T
Y = df['Outcome'].values.reshape(1, -1)
parameters = init_layers([8, 16, 8, 1])
for epoch in range(3000):
    AL, caches = L_model_forward(X, parameters)
    grads = L_model_backward(AL, Y, caches)
    parameters = update_parameters(parameters, grads, 0.01)
    if epoch % 100 == 0:
        print(epoch, compute_cost(AL, Y), np.mean((AL > 0.5) == Y))
