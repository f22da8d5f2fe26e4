import scipy.io
import torch
from torch import nn

mat = scipy.io.loadmat("mnist-original.mat")
X = torch.tensor(mat["data"].T / 255.0).float()
y = torch.tensor(mat["label"].T).long().squeeze()
model = nn.Sequential(nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(5):
    for xb, yb in zip(X.split(50), y.split(50)):
        optimizer.zero_grad()
        criterion(model(xb), yb).backward()
        optimizer.step()
