from torch import nn, optim

model = nn.Sequential(nn.Linear(20, 12), nn.Tanh(), nn.Linear(12, 10))
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.99)
