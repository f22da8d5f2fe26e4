import numpy as np

def forward(parameters, x):
    a = [x]
    for W, b in parameters:
        a.append(1 / (1 + np.exp(-(a[-1] @ W + b))))
    return a[-1]

def gradients(parameters, x, y):
    a = [x]
    for W, b in parameters:
        a.append(1 / (1 + np.exp(-(a[-1] @ W + b))))
    d = (a[-1] - np.eye(a[-1].shape[1])[y]) * a[-1] * (1 - a[-1]) / len(x)
    found = []
    for l in range(len(parameters) - 1, -1, -1):
        found.insert(0, (a[l].T @ d, d.sum(axis=0)))
        d = (d @ parameters[l][0].T) * a[l] * (1 - a[l])
    return found
