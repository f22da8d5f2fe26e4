import numpy as np
import torch
import torch.nn as nn
from keras.datasets import mnist

(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train = x_train.reshape(60000, 784).astype('float32')
x_test = x_test.reshape(10000, 784).astype('float32')
x_train /= 255
x_test /= 255
mean = 0.1307
std = 0.3081
x_train = (x_train - mean) / std
x_test = (x_test - mean) / std
x_train = torch.from_numpy(x_train)
y_train = torch.from_numpy(y_train).long()

model = nn.Sequential(nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10))
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
batch_size = 64
n_batches = len(x_train) // batch_size
for epoch in range(5):
    for b in range(n_batches):
        start = b * batch_size
        end = start + batch_size
        inputs, labels = x_train[start:end], y_train[start:end]
        optimizer.zero_grad()
        loss = loss_fn(model(inputs), labels)
        loss.backward()
        optimizer.step()
