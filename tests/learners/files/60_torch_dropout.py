import torch, torch.nn as nn
model = nn.Sequential(nn.Linear(6,8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8,3))
criterion = nn.CrossEntropyLoss()
opt = torch.optim.SGD(model.parameters(), lr=0.1)
def train(X, y):
    opt.zero_grad()
    loss = criterion(model(X), y)
    loss.backward()
    opt.step()
