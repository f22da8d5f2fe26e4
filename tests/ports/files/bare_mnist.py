import torch
from torch import nn
from torchvision import datasets

train = datasets.MNIST('./data', train=True, download=True)
test = datasets.MNIST('./data', train=False)
X = train.data
Y = train.targets
X = X.view(-1, 784) / 255.
X = (X - 0.1307) / 0.3081

device = 'cuda' if torch.cuda.is_available() else 'cpu'
X, Y = X.to(device), Y.to(device)
net = nn.Sequential(nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10)).to(device)
crit = nn.CrossEntropyLoss()
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
BS = 4
for ep in range(3):
    for i in range(0, len(X), BS):
        xb = X[i:i + BS]
        yb = Y[i:i + BS]
        opt.zero_grad()
        l = crit(net(xb), yb)
        l.backward()
        opt.step()
    print('epoch', ep, l.item())
