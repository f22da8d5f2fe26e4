import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

Xtr = torch.tensor(np.load("images.npy")).float()
Ytr = torch.tensor(np.load("labels.npy")).long()
Xtr = Xtr.reshape(Xtr.shape[0], -1)
Xtr = Xtr / 127.5 - 1
model = nn.Sequential(nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10))
optim = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for step in range(10000):
    ix = torch.randint(0, Xtr.shape[0], (32,))
    logits = model(Xtr[ix])
    loss = F.cross_entropy(logits, Ytr[ix])
    optim.zero_grad()
    loss.backward()
    optim.step()
    if step % 1000 == 0:
        print(step, loss.item())
