import pandas as pd
import torch
import torch.nn as nn

df = pd.read_csv("train.csv")
y = torch.tensor(df["label"].values)
X = torch.tensor(df.drop("label", axis=1).values, dtype=torch.float32) / 255
model = nn.Sequential(nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(5):
    for i in range(0, len(X), 100):
        optimizer.zero_grad()
        loss = criterion(model(X[i:i+100]), y[i:i+100])
        loss.backward()
        optimizer.step()
