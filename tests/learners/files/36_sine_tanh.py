"""Fit sin(x) with one hidden layer. Loss goes down to 0.2 and then nothing happens."""
import numpy as np
import matplotlib.pyplot as plt

np.random.seed(0)

x_train = np.linspace(-np.pi, np.pi, 200).reshape(1, -1)
y_train = np.sin(x_train)

n_hidden = 20
weight_hidden = np.random.randn(n_hidden, 1)
bias_hidden = np.random.randn(n_hidden, 1)
weight_output = np.random.randn(1, n_hidden) / np.sqrt(n_hidden)
bias_output = np.zeros((1, 1))

step_size = 0.01


def tanh_derivative(x):
    return 1 - np.tanh(x)


for epoch in range(20000):
    # forward
    hidden_input = weight_hidden @ x_train + bias_hidden
    hidden_output = np.tanh(hidden_input)
    prediction = weight_output @ hidden_output + bias_output

    error = prediction - y_train
    loss = 0.5 * np.mean(error ** 2)

    # backward
    grad_prediction = error / x_train.shape[1]
    grad_weight_output = grad_prediction @ hidden_output.T
    grad_bias_output = np.sum(grad_prediction, axis=1, keepdims=True)
    grad_hidden_output = weight_output.T @ grad_prediction
    grad_hidden_input = grad_hidden_output * tanh_derivative(hidden_input)
    grad_weight_hidden = grad_hidden_input @ x_train.T
    grad_bias_hidden = np.sum(grad_hidden_input, axis=1, keepdims=True)

    # gradient descent
    weight_output -= step_size * grad_weight_output
    bias_output -= step_size * grad_bias_output
    weight_hidden -= step_size * grad_weight_hidden
    bias_hidden -= step_size * grad_bias_hidden

    if epoch % 1000 == 0:
        print("epoch %d loss %.5f" % (epoch, loss))

plt.plot(x_train[0], y_train[0], label='sin')
plt.plot(x_train[0], prediction[0], label='network')
plt.legend()
plt.show()
