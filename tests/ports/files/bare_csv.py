import numpy as np
import torch
import torch.nn as nn

data = np.loadtxt("mnist_train.csv", delimiter=",", skiprows=1)
y = data[:, 0].astype(int)
X = data[:, 1:] / 255.0
X = X.reshape(-1, 1, 28, 28)
Y = np.zeros((len(y), 10))
Y[np.arange(len(y)), y] = 1

model = nn.Sequential(nn.Flatten(), nn.Linear(784, 30), nn.Sigmoid(), nn.Linear(30, 10), nn.Sigmoid())
lossf = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
for epoch in range(10):
    order = np.random.permutation(len(X))
    for k in range(0, len(X), 16):
        batch = order[k:k+16]
        xb = torch.from_numpy(X[batch]).float()
        yb = torch.from_numpy(Y[batch]).float()
        loss = lossf(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
