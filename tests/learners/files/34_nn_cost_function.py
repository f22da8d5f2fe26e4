# Machine Learning (Coursera) - Exercise 4: Neural Networks Learning
# ported from Octave to Python
import numpy as np
from scipy.io import loadmat
from scipy.optimize import minimize

input_layer_size = 400    # 20x20 Input Images of Digits
hidden_layer_size = 25    # 25 hidden units
num_labels = 10           # 10 labels, from 1 to 10 (note that "0" is mapped to label 10)


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoidGradient(z):
    return sigmoid(z) * (1 - sigmoid(z))


def randInitializeWeights(L_in, L_out):
    epsilon_init = 0.12
    return np.random.rand(L_out, 1 + L_in) * 2 * epsilon_init - epsilon_init


def nnCostFunction(nn_params, input_layer_size, hidden_layer_size, num_labels, X, y, lambda_):
    # Reshape nn_params back into the parameters Theta1 and Theta2
    Theta1 = nn_params[:hidden_layer_size * (input_layer_size + 1)].reshape(
        hidden_layer_size, input_layer_size + 1)
    Theta2 = nn_params[hidden_layer_size * (input_layer_size + 1):].reshape(
        num_labels, hidden_layer_size + 1)
    m = X.shape[0]

    # Part 1: feedforward
    a1 = np.column_stack((np.ones(m), X))
    z2 = a1 @ Theta1.T
    a2 = np.column_stack((np.ones(m), sigmoid(z2)))
    z3 = a2 @ Theta2.T
    h = sigmoid(z3)

    # y is a vector of labels 1..10, recode
    Y = (y.reshape(-1, 1) == np.arange(1, num_labels + 1)).astype(float)

    J = np.sum(-Y * np.log(h) - (1 - Y) * np.log(1 - h)) / m
    J += lambda_ / (2 * m) * (np.sum(Theta1[:, 1:] ** 2) + np.sum(Theta2[:, 1:] ** 2))

    # Part 2: backpropagation
    delta3 = h - Y
    delta2 = (delta3 @ Theta2)[:, 1:] * sigmoidGradient(z2)
    Theta1_grad = delta2.T @ a1 / m
    Theta2_grad = delta3.T @ a2 / m

    # Part 3: regularization, not for the bias
    Theta1_grad[:, 1:] += lambda_ / m * Theta1[:, 1:]
    Theta2_grad[:, 1:] += lambda_ / m * Theta2[:, 1:]

    # Unroll gradients
    grad = np.concatenate((Theta1_grad.ravel(), Theta2_grad.ravel()))
    return J, grad


def predict(Theta1, Theta2, X):
    m = X.shape[0]
    h1 = sigmoid(np.column_stack((np.ones(m), X)) @ Theta1.T)
    h2 = sigmoid(np.column_stack((np.ones(m), h1)) @ Theta2.T)
    return np.argmax(h2, axis=1) + 1


if __name__ == '__main__':
    data = loadmat('ex4data1.mat')
    X, y = data['X'], data['y'].ravel()

    initial_nn_params = np.concatenate((
        randInitializeWeights(input_layer_size, hidden_layer_size).ravel(),
        randInitializeWeights(hidden_layer_size, num_labels).ravel()))

    res = minimize(nnCostFunction, initial_nn_params, jac=True, method='CG',
                   args=(input_layer_size, hidden_layer_size, num_labels, X, y, 1),
                   options={'maxiter': 50})

    Theta1 = res.x[:hidden_layer_size * (input_layer_size + 1)].reshape(hidden_layer_size, -1)
    Theta2 = res.x[hidden_layer_size * (input_layer_size + 1):].reshape(num_labels, -1)
    # I get about 95 %, the exercise says 95.3 %. Is my regularization of the gradient ok??
    print('Training Set Accuracy:', np.mean(predict(Theta1, Theta2, X) == y) * 100)
