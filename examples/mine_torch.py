"""A network of PyTorch as it stands in a script: the model, its criterion and its optimizer."""

from torch import nn, optim

model = nn.Sequential(nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10))
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=0.001)
