#!/usr/bin/env python3
# XOR with a 2-2-1 network, one example at a time
import numpy as np

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def dsigmoid(y):
    return y * (1 - y)

class XorNet:
    def __init__(self):
        self.W1 = np.random.uniform(-1, 1, (2, 2))   # (in, hidden)
        self.b1 = np.random.uniform(-1, 1, 2)
        self.W2 = np.random.uniform(-1, 1, (2, 1))
        self.b2 = np.random.uniform(-1, 1, 1)

    def forward(self, x):
        self.x = x
        self.h = sigmoid(x.dot(self.W1) + self.b1)
        self.o = sigmoid(self.h.dot(self.W2) + self.b2)
        return self.o

    def backward(self, y):
        delta_o = (self.o - y) * dsigmoid(self.o)
        delta_h = self.W2.dot(delta_o) * dsigmoid(self.h)

        self.dW2 = np.outer(self.h, delta_o)
        self.db2 = delta_o
        self.dW1 = np.multiply(self.x, delta_h)
        self.db1 = delta_h

    def step(self, lr):
        self.W1 -= lr * self.dW1
        self.b1 -= lr * self.db1
        self.W2 -= lr * self.dW2
        self.b2 -= lr * self.db2

    def loss(self, y):
        return 0.5 * np.sum((self.o - y) ** 2)

inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
outputs = np.array([[0], [1], [1], [0]])

net = XorNet()
epochs = int(input('How many epochs? '))
for e in range(epochs):
    total = 0
    for x, y in zip(inputs, outputs):
        net.forward(x)
        total += net.loss(y)
        net.backward(y)
        net.step(0.5)
    if e % 1000 == 0:
        print(e, total)

for x in inputs:
    print(x, net.forward(x))
