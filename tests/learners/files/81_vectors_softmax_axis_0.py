"""A neural network from scratch."""

import numpy as np

np.random.seed(0)


def tanh(z):
	return np.tanh(z)


def softmax(z):
	e = np.exp(z - np.max(z, axis=0, keepdims=True))
	return e / np.sum(e, axis=0, keepdims=True)


def accuracy(predictions, Y):
	return np.mean(np.argmax(predictions, axis=-1) == Y)


def feedforward(inputs, W_h, b_h, W_o, b_o):
	"""Feedforward."""
	z1 = np.dot(inputs, W_h) + b_h
	a1 = tanh(z1)
	z2 = np.dot(a1, W_o) + b_o
	a2 = softmax(z2)
	return z1, a1, z2, a2


def train_step(inputs, Y, W_h, b_h, W_o, b_o, lr):
	z1 = np.dot(inputs, W_h) + b_h
	a1 = tanh(z1)
	z2 = np.dot(a1, W_o) + b_o
	a2 = softmax(z2)
	error2 = (a2 - Y)
	grad_W_o = np.outer(a1, error2)
	grad_b_o = error2
	error1 = np.dot(W_o, error2)*(1 - a1 ** 2)
	grad_W_h = np.outer(inputs, error1)
	grad_b_h = error1
	W_h -= lr*grad_W_h
	b_h -= lr*grad_b_h
	W_o -= lr*grad_W_o
	b_o -= lr*grad_b_o
	return W_h, b_h, W_o, b_o


def train(W_h, b_h, W_o, b_o, X_train, Y_train, epochs=1000):
	for epoch in range(epochs):
		for inputs, Y in zip(X_train, Y_train):
			train_step(inputs, Y, W_h, b_h, W_o, b_o, 0.1)
		if epoch % 100 == 0:
			print(epoch)


