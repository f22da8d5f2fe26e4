import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

torch.manual_seed(0)
digits = load_digits()
X = torch.tensor(digits.data, dtype=torch.float32)
y = torch.tensor(digits.target)
X = X / 16.0
y = F.one_hot(y, 10).float()
n_train = 1500
X_train, X_test = X[:n_train], X[n_train:]
y_train, y_test = y[:n_train], y[n_train:]

model = nn.Sequential(nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 10), nn.Sigmoid())
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)

bs = 32
for epoch in range(20):
    perm = torch.randperm(len(X_train))
    total = 0
    for i in range(0, len(X_train), bs):
        idx = perm[i:i+bs]
        xb, yb = X_train[idx], y_train[idx]
        out = model(xb)
        loss = ((out - yb) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        acc = (model(X_test).argmax(1) == y_test.argmax(1)).float().mean()
    print(epoch, total, acc.item())
