from torch import nn, optim

model = nn.Sequential(nn.Linear(20, 12), nn.Tanh(), nn.Linear(12, 10))
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=1e-3)
