import numpy as np
from sklearn.datasets import make_moons
import matplotlib.pyplot as plt

def define_structure(X, Y):
    input_unit = X.shape[0]
    hidden_unit = 4
    output_unit = Y.shape[0]
    return (input_unit, hidden_unit, output_unit)

def parameters_initialization(input_unit, hidden_unit, output_unit):
    np.random.seed(2)
    W1 = np.random.randn(hidden_unit, input_unit)*0.01
    b1 = np.zeros((hidden_unit, 1))
    W2 = np.random.randn(output_unit, hidden_unit)*0.01
    b2 = np.zeros((output_unit, 1))
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}

def sigmoid(z):
    return 1/(1+np.exp(-z))

def forward_propagation(X, parameters):
    W1 = parameters['W1']
    b1 = parameters['b1']
    W2 = parameters['W2']
    b2 = parameters['b2']
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = sigmoid(Z2)
    cache = {"Z1": Z1,"A1": A1,"Z2": Z2,"A2": A2}
    return A2, cache

def cross_entropy_cost(A2, Y, parameters):
    # number of training example
    m = Y.shape[1]
    logprobs = np.multiply(np.log(A2), Y) + np.multiply((1-Y), np.log(1 - A2))
    cost = - np.sum(logprobs) / m
    cost = float(np.squeeze(cost))
    return cost

def backward_propagation(parameters, cache, X, Y):
    #number of training example
    m = X.shape[1]
    W1 = parameters['W1']
    W2 = parameters['W2']
    A1 = cache['A1']
    A2 = cache['A2']
    dZ2 = A2-Y
    dW2 = (1/m) * np.dot(dZ2, A1.T)
    db2 = (1/m) * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.multiply(np.dot(W2.T, dZ2), A1 * (1 - A1))
    dW1 = (1/m) * np.dot(dZ1, X.T)
    db1 = (1/m)*np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2,"db2": db2}

def gradient_descent(parameters, grads, learning_rate = 0.01):
    return {k: parameters[k] - learning_rate*grads['d' + k] for k in parameters}

X, Y = make_moons(400, noise=0.2)
X = X.T
Y = Y.reshape(1, Y.shape[0])
(input_unit, hidden_unit, output_unit) = define_structure(X, Y)
parameters = parameters_initialization(input_unit, hidden_unit, output_unit)
for i in range(0, int(input("iterations? "))):
    A2, cache = forward_propagation(X, parameters)
    cost = cross_entropy_cost(A2, Y, parameters)
    grads = backward_propagation(parameters, cache, X, Y)
    parameters = gradient_descent(parameters, grads)
    if i % 5 == 0:
        print ("Cost after iteration %i: %f" %(i, cost))
